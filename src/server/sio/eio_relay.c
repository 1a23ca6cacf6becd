#include "server/sio/eio_relay.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/eio.h"
#include "server/ws/door_ws.h"

#include <stdlib.h>

#define PROBE_MS 10000
/* With more that waits for the POST under way, nothing more is read. */
#define WAITING_MAX (64 * 1024)

static const struct door door_relay;

struct relay {
    struct far_ask get, post;
    struct conn *conn;
    struct eio_sid sid;
    struct buf waiting; /* records */
    bool proven, on;
};

static struct relay *relay_of(const struct conn *c)
{
    return c->own;
}

static void eio_relay_tell(struct relay *r, enum far_type type)
{
    far_tell(r->conn->worker, &r->sid, type);
}

/* From the session. */

static void ask_more(struct relay *r)
{
    if (r->on && !r->get.open && r->conn->state == CONN_OPEN)
        far_ask(r->conn->worker, &r->get, &r->sid, FAR_GET, (struct str){0});
}

static bool forward(struct conn *c, const struct engineio_packet *p)
{
    struct buf *out;

    if (p->type == ENGINEIO_NOOP)
        return true;
    if (p->type == ENGINEIO_CLOSE) {
        eio_close_websocket(c, METRIC_close_client);
        return false;
    }
    out = conn_out(c);
    if (out == NULL)
        return false;
    eio_append_frame(out, p);
    conn_sent(c);
    return c->state == CONN_OPEN;
}

static void eio_relay_got(struct far_ask *a, const struct eio_answer *answer)
{
    struct relay *r = CONTAINER_OF(a, struct relay, get);
    enum engineio_next next = ENGINEIO_BAD;
    struct conn *c = r->conn;
    struct engineio_packet p;
    size_t at = 0;

    assert(r->on && !a->open);
    if (answer->kind == EIO_PACKETS)
        while ((next = engineio_next(a->body.bytes + a->body.rpos, buf_len(&a->body), &at, &p)) ==
               ENGINEIO_PACKET)
            if (!forward(c, &p))
                return;
    if (next != ENGINEIO_END)
        eio_close_websocket(c, METRIC_close_gone);
    else if (c->out == NULL && c->flight == NULL)
        ask_more(r); /* else when it is sent */
}

static void drained(struct conn *c)
{
    ask_more(relay_of(c));
}

/* From the client. */

static void push(struct relay *r)
{
    assert(r->on || buf_len(&r->waiting) == 0);
    if (r->post.open || buf_len(&r->waiting) == 0)
        return;
    far_ask(r->conn->worker, &r->post, &r->sid, FAR_POST, buf_peek(&r->waiting));
    buf_clear(&r->waiting);
    if (r->conn->out == NULL)
        conn_resume(r->conn); /* else when that is sent */
}

static void posted(struct far_ask *a, const struct eio_answer *answer)
{
    struct relay *r = CONTAINER_OF(a, struct relay, post);

    assert(r->on && !a->open);
    if (r->conn->state != CONN_OPEN)
        return;
    if (answer->kind == EIO_TAKEN)
        push(r);
    else
        eio_close_websocket(r->conn, METRIC_close_gone);
}

static void take_over(struct relay *r)
{
    assert(r->proven && !r->on);
    r->on = true;
    wheel_cancel(&r->conn->worker->wheel, &r->conn->timer);
    eio_relay_tell(r, FAR_UNPROBED);
    ask_more(r);
}

static void take_probe(struct conn *c, const struct engineio_packet *p)
{
    struct relay *r = relay_of(c);

    assert(!r->on);
    if (p->type == ENGINEIO_PING && str_eq(p->data, STR("probe"))) {
        r->proven = true;
        eio_relay_tell(r, FAR_PROBED);
        (void)forward(c, &(struct engineio_packet){.type = ENGINEIO_PONG, .data = p->data});
    } else if (p->type == ENGINEIO_UPGRADE && r->proven) {
        take_over(r);
    } else {
        conn_finish(c, METRIC_close_protocol);
    }
}

static void take_packet(struct conn *c, const struct engineio_packet *p)
{
    struct relay *r = relay_of(c);

    if (!r->on) {
        take_probe(c, p);
        return;
    }
    if (p->type == ENGINEIO_CLOSE) {
        eio_close_websocket(c, METRIC_close_client);
        return;
    }
    engineio_append_record(&r->waiting, p);
    if (r->waiting.failed)
        conn_drop(c, METRIC_close_memory);
}

static void take_message(struct conn *c, const struct ws_message *m)
{
    struct engineio_packet p;

    if (engineio_decode(m->payload, m->opcode == WS_OP_BINARY, &p) &&
        (p.binary || memchr(p.data.p, ENGINEIO_SEPARATOR, p.data.n) == NULL))
        take_packet(c, &p);
    else
        eio_close_websocket(c, METRIC_close_protocol);
}

static void eio_relay_received(struct conn *c, uint8_t *p, size_t n)
{
    door_ws_read(c, &c->worker->sio_rules, p, n, take_message);
    if (c->state != CONN_OPEN)
        return;
    push(relay_of(c));
    if (buf_len(&relay_of(c)->waiting) > WAITING_MAX)
        c->paused = true;
}

static void eio_relay_timeout(struct conn *c)
{
    if (!relay_of(c)->on)
        conn_finish(c, METRIC_close_dead);
}

static void eio_relay_closed(struct conn *c)
{
    struct relay *r = relay_of(c);

    far_cancel(&r->post);
    far_cancel(&r->get);
    if (r->on)
        eio_relay_tell(r, FAR_GONE);
    else if (r->proven)
        eio_relay_tell(r, FAR_UNPROBED);
    metrics_add(c->worker->metrics, c->reason != 0 ? c->reason : METRIC_close_gone, 1);
    ws_decoder_fini(&c->ws);
    buf_fini(&r->waiting);
    free(r);
    c->own = NULL;
}

void eio_relay_begin(struct conn *c, const struct eio_sid *sid)
{
    struct relay *r = mem_zeroed(1, sizeof(*r));

    assert(c->own == NULL && c->person == NULL);
    r->conn = c;
    r->sid = *sid;
    r->get.done = eio_relay_got;
    r->post.done = posted;
    buf_init(&r->waiting,
             WAITING_MAX + 2 * (c->worker->server->conf->sio_max_payload + IO_RECV_MAX));
    c->own = r;
    c->door = &door_relay;
    ws_decoder_init(&c->ws, WS_SERVER, false);
    conn_timer(c, worker_now_ms(c->worker) + PROBE_MS);
}

static const struct door door_relay = {
    .name = "eio-relay",
    .received = eio_relay_received,
    .drained = drained,
    .timeout = eio_relay_timeout,
    .closed = eio_relay_closed,
};
