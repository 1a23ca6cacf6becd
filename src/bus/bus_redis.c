#include "bus/bus_redis.h"

#include "base/mem.h"
#include "bus/bus_redis_hear.h"
#include "io/io_tls.h"
#include "io/tls_context.h"

#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TICK_MS = 100,
    GOODBYE_MS = 300,
};

/* What a worker asks of the bus' loop. */
enum ask_kind {
    ASK_FOLLOW,
    ASK_UNFOLLOW,
    ASK_FOUND,
    ASK_ALIVE,
    ASK_ENDED,
    ASK_RING,
    ASK_CAST,
    ASK_DIRECT,
    ASK_STOP,
};

struct redis_ask {
    struct io_mail mail;
    struct bus_redis *bus;
    enum ask_kind kind;
    unsigned loop;
    uint64_t number; /* a seq, or a node */
    size_t room_n, n;
    uint8_t bytes[]; /* the room, then the rest */
};

struct bus_redis {
    struct bus bus;
    struct io_host *host;
    struct redis_core core;
    struct redis_shards shards;
    struct redis_rooms rooms;
    struct redis_publisher publisher;
    struct redis_nodes nodes;
    struct redis_hearing hearing;
    struct wheel_timer tick;
    uint64_t end_ms;
    _Atomic bool stopped, started;
};

static struct bus_redis *bus_redis_of(struct bus *b)
{
    return CONTAINER_OF(b, struct bus_redis, bus);
}

/* What shards tell. */

static struct bus_redis *bus_redis_of_shards(struct redis_shards *s)
{
    return CONTAINER_OF(s, struct bus_redis, shards);
}

static void shards_moved(struct redis_shards *s)
{
    bus_redis_room_place_all(&bus_redis_of_shards(s)->rooms);
}

static void shards_unheard(struct redis_shards *s, const struct redis_shard *at, unsigned within_ms)
{
    bus_redis_room_look_all(&bus_redis_of_shards(s)->rooms, at, within_ms);
}

static void shards_send(struct redis_shards *s, bool to_all)
{
    struct bus_redis *b = bus_redis_of_shards(s);

    b->publisher.missed_ms = 0;
    if (to_all)
        b->nodes.hello_ms = 0;
}

static void shards_subscribe(struct redis_shards *s, struct redis_shard *at, bool anew)
{
    struct redis_rooms *rooms = &bus_redis_of_shards(s)->rooms;

    assert(at->subscribes.state == LINK_UP || !anew);
    if (anew)
        bus_redis_room_subscribe_all(rooms, at);
    else
        bus_redis_room_subscribe(rooms, at);
}

static void shards_answered(struct redis_shards *s, struct redis_sent *sent, bool taken)
{
    bus_redis_publish_answered(&bus_redis_of_shards(s)->publisher, sent, taken);
}

static void shards_forgot(struct redis_shards *s)
{
    bus_redis_publish_again(&bus_redis_of_shards(s)->publisher);
}

static bool shards_heard(struct redis_shards *s, struct redis_shard *at,
                         const struct resp_reply *reply)
{
    return bus_redis_hear(&bus_redis_of_shards(s)->hearing, at, reply);
}

static const struct redis_shards_ops shards_ops = {
    .moved = shards_moved,
    .unheard = shards_unheard,
    .sends = shards_send,
    .subscribes = shards_subscribe,
    .answered = shards_answered,
    .forgot = shards_forgot,
    .heard = shards_heard,
};

/* The loop. */

static void redis_tick(struct wheel_timer *t)
{
    struct bus_redis *b = CONTAINER_OF(t, struct bus_redis, tick);

    assert(!b->core.ending && atomic_load(&b->started));
    wheel_set(&b->core.wheel, t, bus_redis_now(&b->core) + TICK_MS);
    bus_redis_shard_mind(&b->shards);
    bus_redis_shard_changed(&b->shards);
    bus_redis_node_mind(&b->nodes);
    bus_redis_room_looks(&b->rooms);
}

static bool redis_turn(void *arg)
{
    struct bus_redis *b = arg;

    io_wait(b->core.tls != NULL ? b->core.tls : b->core.io,
            b->core.ending ? bus_redis_now(&b->core) + 1 : wheel_next_ms(&b->core.wheel));
    wheel_advance(&b->core.wheel, bus_redis_now(&b->core));
    bus_redis_publish_missed(&b->publisher);
    bus_redis_shard_flush(&b->shards);
    bus_redis_core_post(&b->core);
    return !b->core.ending || !bus_redis_shard_close(&b->shards, b->end_ms);
}

/* What workers ask. */

static void begin_to_end(struct bus_redis *b)
{
    assert(!b->core.ending && atomic_load(&b->stopped));
    bus_redis_publish_say(&b->publisher, MESSAGE_BYE, (struct str){0});
    b->core.ending = true;
    b->end_ms = bus_redis_now(&b->core) + GOODBYE_MS;
    wheel_cancel(&b->core.wheel, &b->tick);
}

static void redis_answer(struct bus_redis *b, const struct redis_ask *a)
{
    struct str room = {a->bytes, a->room_n}, bytes = {a->bytes + a->room_n, a->n};

    switch (a->kind) {
    case ASK_FOLLOW:
    case ASK_UNFOLLOW:
        bus_redis_room_follow(&b->rooms, a->loop, room, a->kind == ASK_FOLLOW);
        break;
    case ASK_FOUND:
        bus_redis_room_found(&b->rooms, room);
        break;
    case ASK_ALIVE:
    case ASK_ENDED:
        bus_redis_node_alive(&b->nodes, a->number, a->kind == ASK_ALIVE);
        break;
    case ASK_RING:
        bus_redis_room_busy(&b->rooms, room);
        bus_redis_publish(&b->publisher, BUS_RING, room, a->number, bytes);
        break;
    case ASK_CAST:
        bus_redis_room_busy(&b->rooms, room);
        bus_redis_publish(&b->publisher, BUS_CAST, room, 0, bytes);
        break;
    case ASK_DIRECT:
        bus_redis_publish_direct(&b->publisher, MESSAGE_DIRECT, a->number, a->loop, bytes);
        break;
    case ASK_STOP:
        begin_to_end(b);
        break;
    }
}

static void ask_deliver(struct io_mail *mail)
{
    struct redis_ask *a = CONTAINER_OF(mail, struct redis_ask, mail);

    if (!a->bus->core.ending)
        redis_answer(a->bus, a);
    free(a);
}

static void redis_ask(struct bus_redis *b, enum ask_kind kind, unsigned loop, uint64_t number,
                      struct str room, struct str bytes)
{
    struct redis_ask *a = mem_bytes(sizeof(*a) + room.n + bytes.n);

    assert(bytes.n <= BUS_CAST_MAX);
    a->mail.deliver = ask_deliver;
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
    io_post(b->core.io, &a->mail, &a->mail);
}

static void redis_attach(struct bus *bus, struct io *home, bus_heard_f *heard, void *ctx)
{
    struct bus_redis *b = bus_redis_of(bus);

    assert(b->core.ears_n < EARS_MAX && !atomic_load(&b->started));
    b->core.ears[b->core.ears_n++] = (struct redis_ear){.home = home, .heard = heard, .ctx = ctx};
}

static uint64_t redis_self(struct bus *bus)
{
    assert(bus_redis_of(bus)->core.self != 0);
    return bus_redis_of(bus)->core.self;
}

static unsigned ear_of(const struct bus_redis *b, const struct io *home)
{
    unsigned i = 0;

    while (i < b->core.ears_n && b->core.ears[i].home != home)
        i++;
    assert(i < b->core.ears_n);
    return i;
}

static bool is_stopped(struct bus_redis *b)
{
    return atomic_load_explicit(&b->stopped, memory_order_relaxed);
}

static void redis_follow(struct bus *bus, struct io *home, struct str room, bool on)
{
    struct bus_redis *b = bus_redis_of(bus);

    assert(room.n > 0);
    if (!is_stopped(b))
        redis_ask(b, on ? ASK_FOLLOW : ASK_UNFOLLOW, ear_of(b, home), 0, room, (struct str){0});
}

static void redis_found(struct bus *bus, struct str room)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (!is_stopped(b) && (!atomic_load_explicit(&b->core.is_up, memory_order_relaxed) ||
                           __atomic_load_n(&b->core.stats.missing, __ATOMIC_RELAXED) > 0))
        redis_ask(b, ASK_FOUND, 0, 0, room, (struct str){0});
}

static void redis_alive(struct bus *bus, uint64_t node, bool alive)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (!is_stopped(b))
        redis_ask(b, alive ? ASK_ALIVE : ASK_ENDED, 0, node, (struct str){0}, (struct str){0});
}

static void count_one(uint64_t *v)
{
    (void)__atomic_fetch_add(v, 1, __ATOMIC_RELAXED);
}

static void redis_ring(struct bus *bus, struct str room, uint64_t seq, struct str bytes)
{
    struct bus_redis *b = bus_redis_of(bus);

    assert(room.n > 0);
    if (is_stopped(b))
        return;
    count_one(&b->core.stats.rings);
    redis_ask(b, ASK_RING, 0, seq, room, bytes.n <= BUS_BYTES_MAX ? bytes : (struct str){0});
}

static void redis_cast(struct bus *bus, struct str topic, struct str bytes)
{
    struct bus_redis *b = bus_redis_of(bus);

    assert(topic.n > 0);
    if (is_stopped(b) || bytes.n > BUS_CAST_MAX)
        return;
    count_one(&b->core.stats.casts);
    redis_ask(b, ASK_CAST, 0, 0, topic, bytes);
}

static void redis_direct(struct bus *bus, uint64_t node, unsigned loop, struct str bytes)
{
    struct bus_redis *b = bus_redis_of(bus);

    if (is_stopped(b) || bytes.n > BUS_CAST_MAX)
        return;
    count_one(&b->core.stats.directs);
    redis_ask(b, ASK_DIRECT, loop, node, (struct str){0}, bytes);
}

static bool redis_degraded(struct bus *bus)
{
    return !atomic_load(&bus_redis_of(bus)->core.is_up);
}

static void redis_stats(struct bus *bus, struct bus_stats *ret_stats)
{
    const struct bus_stats *s = &bus_redis_of(bus)->core.stats;
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
    atomic_store(&b->core.gate->shut, true);
    if (atomic_load(&b->started))
        redis_ask(b, ASK_STOP, 0, 0, (struct str){0}, (struct str){0});
}

static void bus_redis_free(struct bus_redis *b)
{
    assert(!atomic_load(&b->started) || atomic_load(&b->stopped));
    b->core.ending = true; /* of what is asked last */
    bus_redis_link_no_caller(&b->shards.caller);
    bus_redis_room_fini(&b->rooms);
    bus_redis_shard_fini(&b->shards);
    bus_redis_core_fini(&b->core);
    bus_redis_publish_fini(&b->publisher);
    bus_redis_node_fini(&b->nodes);
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
    .alive = redis_alive,
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
    struct tls_options o = {.ca_file = b->core.o.ca_file};
    char text[TLS_CONTEXT_ERROR_MAX];
    int r;

    assert(b->core.tls == NULL);
    r = tls_context_new(&o, &b->core.tls_context, text);
    if (r < 0) {
        (void)snprintf(why, BUS_REDIS_WHY_MAX, "bus: TLS: %.200s", text);
        return r;
    }
    return io_tls_new(b->core.io, b->core.tls_context, 0, &b->core.tls);
}

static void make_parts(struct bus_redis *b, const char *text)
{
    assert(b->shards.caller.core == &b->core);
    bus_redis_shard_init(&b->shards, &shards_ops);
    bus_redis_room_init(&b->rooms, &b->shards);
    bus_redis_publish_init(&b->publisher, &b->shards);
    bus_redis_node_init(&b->nodes, &b->rooms, &b->publisher);
    (void)snprintf(b->nodes.text, sizeof(b->nodes.text), "%s", text != NULL ? text : "");
    b->hearing = (struct redis_hearing){.core = &b->core, .nodes = &b->nodes};
}

int bus_redis_new(struct io_host *host, const struct bus_redis_options *o, struct bus **ret_bus,
                  char ret_why[static BUS_REDIS_WHY_MAX])
{
    struct bus_redis *b = mem_zeroed(1, sizeof(*b));
    struct io *io;
    int r = -EINVAL;

    b->bus.ops = &redis_ops;
    b->host = host;
    if (!bus_redis_url(o->url, o->password != NULL, &b->shards.targets, ret_why)) {
        free(b);
        return r;
    }
    (void)snprintf(ret_why, BUS_REDIS_WHY_MAX, "bus: it cannot be made");
    r = host_io_new(host, &io);
    if (r < 0) {
        free(b);
        return r;
    }
    bus_redis_core_init(&b->core, o, io);
    r = bus_redis_link_caller(&b->shards.caller, &b->core, host);
    make_parts(b, o->text);
    if (r == 0 && b->shards.targets.list[0].tls)
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

    assert(!b->core.ending);
    bus_redis_room_place_all(&b->rooms);
    b->tick.fire = redis_tick;
    wheel_set(&b->core.wheel, &b->tick, bus_redis_now(&b->core) + TICK_MS);
}

void bus_redis_name(const struct bus_redis_system *s, char ret_name[static BUS_REDIS_NAME_MAX])
{
    uint8_t made[BUS_REDIS_NAME_MAX / 2];
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof(made));
    (void)crypto_generichash_update(&state, s->id.p, s->id.n);
    (void)crypto_generichash_update(&state, (const uint8_t *)"\n", 1);
    (void)crypto_generichash_update(&state, s->where.p, s->where.n);
    (void)crypto_generichash_final(&state, made, sizeof(made));
    (void)sodium_bin2hex(ret_name, BUS_REDIS_NAME_MAX, made, sizeof(made));
}

int bus_redis_start(struct bus *bus, const struct bus_redis_system *system)
{
    struct bus_redis *b = bus_redis_of(bus);
    char name[NAME_MAX];

    assert(!atomic_load(&b->started));
    bus_redis_name(system, b->core.id);
    bus_seal_init(&b->core.seal, system->secret, str_of(b->core.id));
    for (unsigned i = 0; i < BASE_N; i++)
        bus_seal_channel(&b->core.seal, bus_redis_channel_base(&b->core, i, name),
                         &b->shards.base[i].seal);
    b->tick.fire = open_links;
    wheel_set(&b->core.wheel, &b->tick, bus_redis_now(&b->core));
    atomic_store(&b->started, true);
    return host_start(b->host, b->core.io, redis_turn, b);
}
