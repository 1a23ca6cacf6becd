#include "lib/worker_rig.h"

#include <string.h>

static uint64_t now_ms(struct io *io)
{
    return CONTAINER_OF(io, struct worker_rig, io)->now_ms;
}

/* A send stays in flight until the test ends it. */
static void send(struct io *io, struct io_op *op)
{
    (void)io;
    op->in_flight = true;
}

static void cancel(struct io *io, struct io_op *op)
{
    (void)io;
    (void)op;
}

static const struct io_ops ops = {
    .name = "rig", .now_ms = now_ms, .wall_ms = now_ms, .send = send, .cancel = cancel};

static const struct store_ops store_ops = {.name = "rig", .wall_ms = store_own_wall_ms};

static const struct door door = {.name = "rig"};

static void followed(struct worker *w, struct feed *feed, bool came)
{
    (void)w;
    (void)feed;
    (void)came;
}

static void forsaken(struct worker *w, struct str room)
{
    (void)w;
    (void)room;
}

static void came(struct worker *w, const struct person *p)
{
    (void)p;
    CONTAINER_OF(w, struct worker_rig, worker)->came_n++;
}

static void gone(struct worker *w, const struct person *p)
{
    (void)p;
    CONTAINER_OF(w, struct worker_rig, worker)->gone_n++;
}

static const struct conn_watch watch = {
    .followed = followed, .forsaken = forsaken, .came = came, .gone = gone};

void worker_rig_init(struct worker_rig *r)
{
    memset(r, 0, sizeof(*r));
    r->now_ms = 1000;
    r->io.ops = &ops;
    r->server.conf = &r->conf;
    r->worker.server = &r->server;
    lifecycle_init(&r->worker.life, LIFECYCLE_WORKER);
    r->worker.io = &r->io;
    r->worker.drain = &r->drain;
    r->worker.watch = &watch;
    r->worker.unproven_ms = UINT64_MAX;
    r->worker.metrics = metrics_new();
    list_init(&r->worker.conns);
    list_init(&r->worker.requests);
    list_init(&r->worker.dirty);
    list_init(&r->worker.dead);
    list_init(&r->worker.owns);
    limits_init(&r->worker);
    person_init(&r->worker);
    r->worker.owner.bus = bus_local_new();
    r->worker.owner.store = &r->store;
    r->store.ops = &store_ops;
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
    c->door = &door;
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
