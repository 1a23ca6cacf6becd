#include "lib/store_gate.h"

#include "lib/check.h"

#include <string.h>

static struct store_req *take(struct store_gate *g, unsigned i)
{
    struct store_req *req = g->held[i];

    assert_true(i < g->held_n);
    memmove(g->held + i, g->held + i + 1, (--g->held_n - i) * sizeof(g->held[0]));
    return req;
}

static void submit(struct store *s, struct store_req *req)
{
    struct store_gate *g = CONTAINER_OF(s, struct store_gate, store);

    g->seen[req->op]++;
    if (!g->closed[req->op]) {
        g->inner->ops->submit(g->inner, req);
        return;
    }
    assert_true(g->held_n < STORE_GATE_MAX);
    g->held[g->held_n++] = req;
}

static uint64_t wall_ms(struct store *s, struct io *io)
{
    return store_wall_ms(CONTAINER_OF(s, struct store_gate, store)->inner, io);
}

static const struct store_ops ops = {.name = "gate", .submit = submit, .wall_ms = wall_ms};

void store_gate_init(struct store_gate *g, struct store *inner)
{
    *g = (struct store_gate){.store.ops = &ops, .inner = inner};
}

void store_gate_let(struct store_gate *g, unsigned i)
{
    struct store_req *req = take(g, i);

    g->inner->ops->submit(g->inner, req);
}

void store_gate_open(struct store_gate *g)
{
    memset(g->closed, 0, sizeof(g->closed));
    while (g->held_n > 0)
        store_gate_let(g, 0);
}

void store_gate_fail(struct store_gate *g, unsigned i, enum store_result result)
{
    struct store_req *req = take(g, i);

    req->result = result;
    io_post(req->home, &req->job.mail, &req->job.mail);
}
