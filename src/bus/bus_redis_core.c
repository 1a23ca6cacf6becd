#include "bus/bus_redis_core.h"

#include "base/mem.h"
#include "io/tls_context.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAY_MS = 10000 }; /* between reasons for being down */

/* What a worker is told. */
struct told {
    struct io_mail mail;
    struct redis_gate *gate;
    bus_heard_f *heard;
    void *ctx;
    struct bus_event event;
    uint8_t bytes[];
};

static void gate_drop(struct redis_gate *g)
{
    unsigned before = atomic_fetch_sub(&g->refs, 1);

    assert(before > 0);
    if (before == 1)
        free(g);
}

static void told_deliver(struct io_mail *mail)
{
    struct told *t = CONTAINER_OF(mail, struct told, mail);

    if (!atomic_load(&t->gate->shut))
        t->heard(t->ctx, &t->event);
    gate_drop(t->gate);
    free(t);
}

void bus_redis_core_tell(struct redis_core *b, unsigned ear, const struct bus_event *event)
{
    struct redis_ear *e = &b->ears[ear];
    struct told *t = mem_zeroed(1, sizeof(*t) + event->room.n + event->bytes.n);

    assert(ear < b->ears_n);
    *t = (struct told){.mail.deliver = told_deliver,
                       .gate = b->gate,
                       .heard = e->heard,
                       .ctx = e->ctx,
                       .event = *event};
    atomic_fetch_add(&b->gate->refs, 1);
    if (event->room.n > 0)
        memcpy(t->bytes, event->room.p, event->room.n);
    if (event->bytes.n > 0)
        memcpy(t->bytes + event->room.n, event->bytes.p, event->bytes.n);
    t->event.room.p = t->bytes;
    t->event.bytes.p = t->bytes + event->room.n;
    bus_redis_add(&b->stats.heard, 1);
    if (e->last == NULL)
        e->first = &t->mail;
    else
        e->last->next = &t->mail;
    e->last = &t->mail;
}

void bus_redis_core_tell_all(struct redis_core *b, const struct bus_event *event)
{
    assert(event->kind == BUS_CAST || event->kind == BUS_NODE_UP || event->kind == BUS_NODE_DOWN);
    for (unsigned i = 0; i < b->ears_n; i++)
        bus_redis_core_tell(b, i, event);
}

void bus_redis_core_post(struct redis_core *b)
{
    for (unsigned i = 0; i < b->ears_n; i++) {
        struct redis_ear *e = &b->ears[i];

        assert((e->first == NULL) == (e->last == NULL));
        if (e->first != NULL)
            io_post(e->home, e->first, e->last);
        e->first = e->last = NULL;
    }
}

static void say_changed(struct redis_core *b)
{
    assert(!b->ending);
    (void)snprintf(b->said, sizeof(b->said), "%s", b->up ? "" : b->why);
    b->said_ms = bus_redis_now(b);
    if (b->o.changed != NULL)
        b->o.changed(b->o.ctx, b->up, b->why);
}

void bus_redis_core_failed(struct redis_core *b)
{
    if (!b->up && !b->ending && strcmp(b->said, b->why) != 0 &&
        (b->said[0] == '\0' || bus_redis_now(b) >= b->said_ms + SAY_MS))
        say_changed(b);
}

void bus_redis_core_changed(struct redis_core *b, bool up)
{
    if (up == b->up || b->ending)
        return;
    b->up = up;
    atomic_store(&b->is_up, up);
    say_changed(b);
}

void bus_redis_core_init(struct redis_core *b, const struct bus_redis_options *o, struct io *io)
{
    uint64_t seed;

    assert(b->gate == NULL && b->self == 0);
    b->o = *o;
    b->io = io;
    b->gate = mem_zeroed(1, sizeof(*b->gate));
    atomic_init(&b->gate->refs, 1);
    io_random(io, (uint8_t *)&seed, sizeof(seed));
    rng_init(&b->rng, seed);
    io_random(io, b->hash_key, sizeof(b->hash_key));
    while (b->self == 0)
        io_random(io, (uint8_t *)&b->self, sizeof(b->self));
    wheel_init(&b->wheel, io_now_ms(io));
}

void bus_redis_core_fini(struct redis_core *b)
{
    assert(b->ending);
    io_free(b->tls);
    tls_context_free(b->tls_context);
    io_free(b->io);
    gate_drop(b->gate);
}
