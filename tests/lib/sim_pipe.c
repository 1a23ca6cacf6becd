#include "lib/sim_pipe.h"

#include "base/str.h"

enum { OUT_MAX = 4 * 1024 * 1024, WAIT_MS = 30, WHOLE_PER_MILLE = 500, PIECE_PER_MILLE = 700 };

static uint64_t now_ms(const struct sim_pipe *p)
{
    return io_now_ms(p->link.io);
}

static void opened(struct sim_link *l)
{
    (void)l; /* sim_pipe_turn sends what waits */
}

static void answered(struct sim_link *l, int status, struct str body)
{
    struct sim_pipe *p = CONTAINER_OF(l, struct sim_pipe, link);
    unsigned tag = p->tags[p->first];

    assert(p->n > 0);
    p->first = (p->first + 1) % SIM_PIPE_MAX;
    p->n--;
    p->asked_ms = now_ms(p);
    p->ops->answered(p, tag, status, body);
}

static void heard(struct sim_link *l, uint8_t *bytes, size_t n)
{
    (void)l;
    (void)bytes;
    (void)n;
    assert(false); /* nobody has asked for a WebSocket */
}

static const struct sim_link_ops link_ops = {
    .opened = opened,
    .answered = answered,
    .heard = heard,
};

void sim_pipe_init(struct sim_pipe *p, const struct sim_pipe_ops *ops, struct io *io,
                   struct rng *rng)
{
    *p = (struct sim_pipe){.ops = ops};
    sim_link_init(&p->link, &link_ops, io, rng);
    buf_init(&p->out, OUT_MAX);
}

void sim_pipe_fini(struct sim_pipe *p)
{
    assert(p->link.state == SIM_LINK_DOWN && p->n == 0);
    buf_fini(&p->out);
}

void sim_pipe_open(struct sim_pipe *p, const struct io_addr *addr)
{
    if (p->link.state == SIM_LINK_DOWN && p->n == 0)
        sim_link_open(&p->link, addr);
}

static void put_chunks(struct sim_pipe *p, struct str body)
{
    while (body.n > 0) {
        size_t n = 1 + (size_t)rng_below(p->link.rng, body.n);

        buf_printf(&p->out, "%zx\r\n", n);
        buf_append(&p->out, (struct str){body.p, n});
        buf_append(&p->out, STR("\r\n"));
        body = str_skip(body, n);
    }
    buf_append(&p->out, STR("0\r\n\r\n"));
}

static void put_request(struct sim_pipe *p, const char *target, const struct str *body,
                        enum sim_pipe_form form)
{
    buf_printf(&p->out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", body != NULL ? "POST" : "GET",
               target);
    if (form == SIM_PIPE_EXPECT && body != NULL)
        buf_append(&p->out, STR("Expect: 100-continue\r\n"));
    if (body == NULL) {
        buf_append(&p->out, STR("\r\n"));
    } else if (form == SIM_PIPE_CHUNKED) {
        buf_append(&p->out, STR("Transfer-Encoding: chunked\r\n\r\n"));
        put_chunks(p, *body);
    } else {
        buf_printf(&p->out, "Content-Length: %zu\r\n\r\n", body->n);
        buf_append(&p->out, *body);
    }
    assert(!p->out.failed);
}

bool sim_pipe_ask(struct sim_pipe *p, unsigned tag, const char *target, const struct str *body,
                  enum sim_pipe_form form)
{
    if (p->link.state != SIM_LINK_HTTP || p->n == SIM_PIPE_MAX || buf_len(&p->out) > OUT_MAX / 4)
        return false;
    if (p->n == 0)
        p->asked_ms = now_ms(p);
    p->tags[(p->first + p->n++) % SIM_PIPE_MAX] = tag;
    put_request(p, target, body, form);
    return true;
}

/* All that waits, or a piece: of a long one, a long piece. */
static void let_go(struct sim_pipe *p)
{
    size_t n = buf_len(&p->out);

    if (!rng_chance(p->link.rng, WHOLE_PER_MILLE))
        n = 1 + (size_t)rng_below(p->link.rng, n);
    sim_link_say(&p->link, (struct str){p->out.bytes + p->out.rpos, n});
    buf_consume(&p->out, n);
    p->due_ms = now_ms(p) + rng_below(p->link.rng, WAIT_MS);
}

uint64_t sim_pipe_turn(struct sim_pipe *p)
{
    if (sim_link_end(&p->link)) {
        buf_clear(&p->out);
        p->due_ms = 0;
    }
    while (p->link.state == SIM_LINK_DOWN && p->n > 0) {
        unsigned tag = p->tags[p->first];

        p->first = (p->first + 1) % SIM_PIPE_MAX;
        p->n--;
        p->ops->lost(p, tag);
    }
    if (p->link.state != SIM_LINK_HTTP || buf_len(&p->out) == 0)
        return IO_FOREVER;
    while (p->due_ms <= now_ms(p) && buf_len(&p->out) > 0) {
        let_go(p);
        if (rng_chance(p->link.rng, PIECE_PER_MILLE))
            p->due_ms = now_ms(p);
        else
            p->due_ms = MAX(p->due_ms, now_ms(p) + 1);
    }
    return buf_len(&p->out) > 0 ? p->due_ms : IO_FOREVER;
}
