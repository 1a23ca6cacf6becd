#include "bus/bus_redis_impl.h"

#include "io/io_tls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TICK_MS = 100,
    GOODBYE_MS = 300,
    SAY_MS = 10000, /* between reasons for being down */
};

/* What a worker asks of the bus' loop. */
enum ask_kind { ASK_FOLLOW, ASK_UNFOLLOW, ASK_FOUND, ASK_RING, ASK_CAST, ASK_DIRECT, ASK_STOP };

struct ask {
    struct io_mail mail;
    struct bus_redis *bus;
    enum ask_kind kind;
    unsigned loop;
    uint64_t number; /* a seq, or a node */
    size_t room_n, n;
    uint8_t bytes[]; /* the room, then the rest */
};

/* What a worker is told. */
struct told {
    struct io_mail mail;
    struct redis_gate *gate;
    bus_heard_f *heard;
    void *ctx;
    struct bus_event event;
    uint8_t bytes[];
};

/* Telling. */

static void gate_drop(struct redis_gate *g)
{
    if (atomic_fetch_sub(&g->refs, 1) == 1)
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

void bus_redis_tell(struct bus_redis *b, unsigned ear, const struct bus_event *event)
{
    struct redis_ear *e = &b->ears[ear];
    struct told *t = calloc(1, sizeof(*t) + event->room.n + event->bytes.n);

    if (t == NULL)
        abort();
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

void bus_redis_tell_all(struct bus_redis *b, const struct bus_event *event)
{
    for (unsigned i = 0; i < b->ears_n; i++)
        bus_redis_tell(b, i, event);
}

static void post_told(struct bus_redis *b)
{
    for (unsigned i = 0; i < b->ears_n; i++) {
        struct redis_ear *e = &b->ears[i];

        if (e->first != NULL)
            io_post(e->home, e->first, e->last);
        e->first = e->last = NULL;
    }
}

/* The loop. */

static void say_changed(struct bus_redis *b)
{
    (void)snprintf(b->said, sizeof(b->said), "%s", b->up ? "" : b->why);
    b->said_ms = bus_redis_now(b);
    if (b->o.changed != NULL)
        b->o.changed(b->o.ctx, b->up, b->why);
}

void bus_redis_failed(struct bus_redis *b)
{
    if (!b->up && !b->ending && strcmp(b->said, b->why) != 0 &&
        (b->said[0] == '\0' || bus_redis_now(b) >= b->said_ms + SAY_MS))
        say_changed(b);
}

void bus_redis_changed(struct bus_redis *b)
{
    bool up = bus_redis_shard_all_up(b);

    if (up == b->up || b->ending)
        return;
    b->up = up;
    atomic_store(&b->is_up, up);
    say_changed(b);
}

static void tick(struct wheel_timer *t)
{
    struct bus_redis *b = CONTAINER_OF(t, struct bus_redis, tick);

    wheel_set(&b->wheel, t, bus_redis_now(b) + TICK_MS);
    bus_redis_shard_mind(b);
    bus_redis_changed(b);
    bus_redis_node_mind(b);
    bus_redis_room_looks(b);
}

static bool turn(void *arg)
{
    struct bus_redis *b = arg;

    io_wait(b->tls != NULL ? b->tls : b->io,
            b->ending ? bus_redis_now(b) + 1 : wheel_next_ms(&b->wheel));
    wheel_advance(&b->wheel, bus_redis_now(b));
    bus_redis_publish_missed(b);
    bus_redis_shard_flush(b);
    post_told(b);
    return !b->ending || !bus_redis_shard_close(b);
}

/* What workers ask. */

static void begin_to_end(struct bus_redis *b)
{
    bus_redis_publish_say(b, MESSAGE_BYE, (struct str){0});
    b->ending = true;
    b->end_ms = bus_redis_now(b) + GOODBYE_MS;
    wheel_cancel(&b->wheel, &b->tick);
}

static void answer(struct bus_redis *b, const struct ask *a)
{
    struct str room = {a->bytes, a->room_n}, bytes = {a->bytes + a->room_n, a->n};

    switch (a->kind) {
    case ASK_FOLLOW:
    case ASK_UNFOLLOW:
        bus_redis_room_follow(b, a->loop, room, a->kind == ASK_FOLLOW);
        break;
    case ASK_FOUND:
        bus_redis_room_found(b, room);
        break;
    case ASK_RING:
        bus_redis_publish(b, BUS_RING, room, a->number, bytes);
        break;
    case ASK_CAST:
        bus_redis_publish(b, BUS_CAST, room, 0, bytes);
        break;
    case ASK_DIRECT:
        bus_redis_publish_direct(b, a->number, a->loop, bytes);
        break;
    case ASK_STOP:
        begin_to_end(b);
        break;
    }
}

static void asked(struct io_mail *mail)
{
    struct ask *a = CONTAINER_OF(mail, struct ask, mail);

    if (!a->bus->ending)
        answer(a->bus, a);
    free(a);
}

static void ask(struct bus_redis *b, enum ask_kind kind, unsigned loop, uint64_t number,
                struct str room, struct str bytes)
{
    struct ask *a = malloc(sizeof(*a) + room.n + bytes.n);

    if (a == NULL)
        abort();
    a->mail.deliver = asked;
    a->bus = b;
    a->kind = kind;
    a->loop = loop;
    a->number = number;
    a->room_n = room.n;
    a->n = bytes.n;
    if (room.n > 0)
        memcpy(a->bytes, room.p, room.n);
    if (bytes.n > 0)
        memcpy(a->bytes + room.n, bytes.p, bytes.n);
    io_post(b->io, &a->mail, &a->mail);
}

static void redis_attach(struct bus *bus, struct io *home, bus_heard_f *heard, void *ctx)
{
    struct bus_redis *b = bus_redis_of(bus);

    assert(b->ears_n < EARS_MAX && !atomic_load(&b->started));
    b->ears[b->ears_n++] = (struct redis_ear){.bus = b, .home = home, .heard = heard, .ctx = ctx};
}

static uint64_t redis_self(struct bus *bus)
{
    return bus_redis_of(bus)->self;
}

static unsigned ear_of(const struct bus_redis *b, const struct io *home)
{
    unsigned i = 0;

    while (i < b->ears_n && b->ears[i].home != home)
        i++;
    assert(i < b->ears_n);
    return i;
}

static bool is_stopped(struct bus_redis *b)
{
    return atomic_load_explicit(&b->stopped, memory_order_relaxed);
}

static void redis_follow(struct bus *bus, struct io *home, struct str room, bool on)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (!is_stopped(b))
        ask(b, on ? ASK_FOLLOW : ASK_UNFOLLOW, ear_of(b, home), 0, room, (struct str){0});
}

static void redis_found(struct bus *bus, struct str room)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (!is_stopped(b) && !atomic_load_explicit(&b->is_up, memory_order_relaxed))
        ask(b, ASK_FOUND, 0, 0, room, (struct str){0});
}

static void count(uint64_t *v)
{
    (void)__atomic_fetch_add(v, 1, __ATOMIC_RELAXED);
}

static void redis_ring(struct bus *bus, struct str room, uint64_t seq, struct str bytes)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (is_stopped(b))
        return;
    count(&b->stats.rings);
    ask(b, ASK_RING, 0, seq, room, bytes.n <= BUS_BYTES_MAX ? bytes : (struct str){0});
}

static void redis_cast(struct bus *bus, struct str topic, struct str bytes)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (is_stopped(b) || bytes.n > BUS_CAST_MAX)
        return;
    count(&b->stats.casts);
    ask(b, ASK_CAST, 0, 0, topic, bytes);
}

static void redis_direct(struct bus *bus, uint64_t node, unsigned loop, struct str bytes)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (is_stopped(b) || bytes.n > BUS_CAST_MAX)
        return;
    count(&b->stats.directs);
    ask(b, ASK_DIRECT, loop, node, (struct str){0}, bytes);
}

static bool redis_degraded(struct bus *bus)
{
    return !atomic_load(&bus_redis_of(bus)->is_up);
}

static void redis_stats(struct bus *bus, struct bus_stats *ret_stats)
{
    const struct bus_stats *s = &bus_redis_of(bus)->stats;
    const uint64_t *from = (const uint64_t *)(const void *)s;
    uint64_t *to = (uint64_t *)(void *)ret_stats;

    for (size_t i = 0; i < sizeof(*s) / sizeof(*from); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* Beginning and ending. */

static void redis_stop(struct bus *bus)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (atomic_exchange(&b->stopped, true))
        return;
    atomic_store(&b->gate->shut, true);
    if (atomic_load(&b->started))
        ask(b, ASK_STOP, 0, 0, (struct str){0}, (struct str){0});
}

static void bus_redis_free(struct bus_redis *b)
{
    b->ending = true; /* of what is asked last */
    bus_redis_link_no_caller(b);
    bus_redis_room_fini(b);
    bus_redis_shard_fini(b);
    io_free(b->tls);
    tls_context_free(b->tls_context);
    io_free(b->io);
    bus_redis_publish_fini(b);
    bus_redis_node_fini(b);
    gate_drop(b->gate);
    free(b);
}

static void redis_close(struct bus *bus)
{
    redis_stop(bus);
    bus_redis_free(bus_redis_of(bus));
}

static const struct bus_ops redis_ops = {
    .name = "redis",
    .attach = redis_attach,
    .self = redis_self,
    .follow = redis_follow,
    .found = redis_found,
    .ring = redis_ring,
    .cast = redis_cast,
    .direct = redis_direct,
    .degraded = redis_degraded,
    .stats = redis_stats,
    .stop = redis_stop,
    .close = redis_close,
};

static int make_tls(struct bus_redis *b, char why[static BUS_REDIS_WHY_MAX])
{
    struct tls_options o = {.ca_file = b->o.ca_file};
    char text[TLS_CONTEXT_ERROR_MAX];
    int r;

    r = tls_context_new(&o, &b->tls_context, text);
    if (r < 0) {
        (void)snprintf(why, BUS_REDIS_WHY_MAX, "bus: TLS: %.200s", text);
        return r;
    }
    return io_tls_new(b->io, b->tls_context, 0, &b->tls);
}

static void draw(struct bus_redis *b)
{
    uint64_t seed;

    io_random(b->io, (uint8_t *)&seed, sizeof(seed));
    rng_init(&b->rng, seed);
    io_random(b->io, b->hash_key, sizeof(b->hash_key));
    while (b->self == 0)
        io_random(b->io, (uint8_t *)&b->self, sizeof(b->self));
}

int bus_redis_new(struct io_host *host, const struct bus_redis_options *o, struct bus **ret_bus,
                  char ret_why[static BUS_REDIS_WHY_MAX])
{
    struct bus_redis *b = calloc(1, sizeof(*b));
    int r;

    if (b == NULL)
        abort();
    b->bus.ops = &redis_ops;
    b->o = *o;
    b->host = host;
    (void)snprintf(b->text, sizeof(b->text), "%s", o->text != NULL ? o->text : "");
    if (!bus_redis_url(b, o->url, ret_why)) {
        free(b);
        return -EINVAL;
    }
    (void)snprintf(ret_why, BUS_REDIS_WHY_MAX, "bus: it cannot be made");
    r = host_io_new(host, &b->io);
    if (r < 0) {
        free(b);
        return r;
    }
    b->gate = calloc(1, sizeof(*b->gate));
    if (b->gate == NULL)
        abort();
    atomic_init(&b->gate->refs, 1);
    draw(b);
    wheel_init(&b->wheel, io_now_ms(b->io));
    map_init(&b->rooms);
    map_init(&b->sent);
    map_init(&b->nodes);
    list_init(&b->missed);
    bus_redis_shard_init(b);
    r = bus_redis_link_caller(b);
    if (r == 0 && b->targets[0].tls)
        r = make_tls(b, ret_why);
    if (r < 0) {
        bus_redis_free(b);
        return r;
    }
    *ret_bus = &b->bus;
    return 0;
}

static void open_links(struct wheel_timer *t)
{
    struct bus_redis *b = CONTAINER_OF(t, struct bus_redis, tick);

    bus_redis_room_place_all(b);
    b->tick.fire = tick;
    wheel_set(&b->wheel, &b->tick, bus_redis_now(b) + TICK_MS);
}

int bus_redis_start(struct bus *bus, struct str id)
{
    struct bus_redis *b = bus_redis_of(bus);

    assert(!atomic_load(&b->started) && id.n < ID_MAX);
    (void)snprintf(b->id, sizeof(b->id), "%.*s", STR_ARGS(id));
    b->tick.fire = open_links;
    wheel_set(&b->wheel, &b->tick, bus_redis_now(b));
    atomic_store(&b->started, true);
    return host_start(b->host, b->io, turn, b);
}
