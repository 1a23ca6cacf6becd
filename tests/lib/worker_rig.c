#include "lib/worker_rig.h"

#include <string.h>

static uint64_t now_ms(struct io *io)
{
    return CONTAINER_OF(io, struct worker_rig, io)->now_ms;
}

static const struct io_ops ops = {.name = "rig", .now_ms = now_ms, .wall_ms = now_ms};

void worker_rig_init(struct worker_rig *r)
{
    memset(r, 0, sizeof(*r));
    r->now_ms = 1000;
    r->io.ops = &ops;
    r->server.conf = &r->conf;
    r->worker.server = &r->server;
    r->worker.io = &r->io;
    r->worker.metrics = metrics_new();
    list_init(&r->worker.conns);
    list_init(&r->worker.dirty);
    list_init(&r->worker.dead);
    list_init(&r->worker.owns);
    limits_init(&r->worker);
    map_init(&r->worker.persons);
    r->worker.owner.bus = bus_local_new();
}

void worker_rig_fini(struct worker_rig *r)
{
    person_fini(&r->worker);
    limits_fini(&r->worker);
    metrics_free(r->worker.metrics);
    bus_close(r->worker.owner.bus);
}

void worker_rig_conn(struct worker_rig *r, struct conn *c)
{
    memset(c, 0, sizeof(*c));
    c->worker = &r->worker;
    c->state = CONN_OPEN;
    list_init(&c->dirty);
    list_init(&c->behind);
    list_init(&c->node);
}

uint64_t worker_rig_metric(const struct worker_rig *r, enum metric id)
{
    const struct metrics *set = r->worker.metrics;

    return metrics_sum(&set, 1, id);
}
