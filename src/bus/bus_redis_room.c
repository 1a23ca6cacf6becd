#include "bus/bus_redis_room.h"

#include "base/mem.h"
#include "base/siphash.h"

#include <stdlib.h>

enum {
    SUBSCRIBE_AT_ONCE = 200,
    SUBSCRIBE_QUEUED = 1024 * 1024, /* bytes; the rest is said when these have gone */
    LOOKS_PER_TICK = 50,
    ROOMS_PER_TICK = 5000,
    LOOK_MS = 500,
    LOOK_MAX_MS = BUS_POLL_MAX_MS,
};

static bool room_eq(const struct map_node *node, const void *key)
{
    const struct redis_room *r =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_room, node);

    return str_eq((struct str){r->id, r->id_n}, *(const struct str *)key);
}

struct redis_room *bus_redis_room_find(struct redis_rooms *b, struct str id)
{
    struct map_node *n = map_find(&b->map, siphash(b->core->hash_key, id), room_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct redis_room, node) : NULL;
}

static struct str room_str(const struct redis_room *r)
{
    return (struct str){r->id, r->id_n};
}

/* Is it known that nothing of it is missed? */
static bool is_heard(const struct redis_rooms *b, const struct redis_room *r)
{
    return bus_redis_shard_serves(b->shards, r->at) && (r->confirmed || !b->shards->cluster.on);
}

/* Looking. */

static void look_at(struct redis_rooms *b, struct redis_room *r, uint64_t at_ms)
{
    assert(r->look_ms != 0 || b->due_n < map_n(&b->map));
    if (r->look_ms == 0)
        b->due_n++;
    if (r->look_ms == 0 || at_ms < r->look_ms)
        r->look_ms = at_ms;
    r->polls = false;
}

void bus_redis_room_look(struct redis_rooms *b, struct redis_room *r)
{
    assert(r->ear < b->core->ears_n);
    bus_redis_add(&b->core->stats.looks, 1);
    bus_redis_core_tell(b->core, r->ear,
                        &(struct bus_event){.kind = BUS_LOOK, .room = room_str(r)});
}

void bus_redis_room_look_all(struct redis_rooms *b, const struct redis_shard *s, unsigned within_ms)
{
    struct map_iter it;

    assert(within_ms > 0);
    for (struct map_node *n = map_first(&b->map, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);

        if (s != NULL && r->at != s)
            continue;
        r->every_ms = LOOK_MS;
        look_at(b, r, bus_redis_now(b->core) + 1 + rng_below(&b->core->rng, within_ms));
    }
}

static void poll_all(struct redis_rooms *b)
{
    struct map_iter it;

    assert(!b->missing);
    for (struct map_node *n = map_first(&b->map, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);
        bool polls;

        r->every_ms = LOOK_MS;
        polls = r->polls || r->look_ms == 0;
        look_at(b, r, bus_redis_now(b->core) + 1 + rng_below(&b->core->rng, LOOK_MS));
        r->polls = polls;
    }
}

void bus_redis_room_missing(struct redis_rooms *b, bool missing)
{
    if (missing && !b->missing)
        poll_all(b);
    b->missing = missing;
}

void bus_redis_room_found(struct redis_rooms *b, struct str id)
{
    struct redis_room *r = bus_redis_room_find(b, id);

    if (r == NULL || (is_heard(b, r) && !b->missing))
        return;
    r->every_ms = LOOK_MS;
    look_at(b, r, bus_redis_now(b->core) + LOOK_MS);
    r->polls = is_heard(b, r);
}

void bus_redis_room_doubt(struct redis_rooms *b, struct redis_room *r)
{
    bool polls = r->polls || r->look_ms == 0;

    look_at(b, r, bus_redis_now(b->core) + LOOK_MS);
    r->polls = polls;
}

void bus_redis_room_busy(struct redis_rooms *b, struct str id)
{
    struct redis_room *r = bus_redis_room_find(b, id);

    if (r != NULL)
        r->every_ms = LOOK_MS;
}

/* Its casts are heard: only the log is to be compared. */
static void poll_room(struct redis_rooms *b, struct redis_room *r)
{
    assert(is_heard(b, r));
    bus_redis_add(&b->core->stats.polls, 1);
    bus_redis_core_tell(b->core, r->ear,
                        &(struct bus_event){.kind = BUS_POLL, .room = room_str(r)});
}

static bool look_if_due(struct redis_rooms *b, struct redis_room *r)
{
    uint64_t now = bus_redis_now(b->core);
    bool heard = is_heard(b, r);

    if (r->look_ms == 0 || r->look_ms > now)
        return false;
    assert(b->due_n > 0);
    r->look_ms = 0;
    b->due_n--;
    if (r->polls && heard)
        poll_room(b, r);
    else
        bus_redis_room_look(b, r);
    if (!heard || b->missing) {
        look_at(b, r, now + r->every_ms / 2 + rng_below(&b->core->rng, r->every_ms / 2 + 1));
        r->polls = heard;
        r->every_ms = MIN(r->every_ms * 2, (unsigned)LOOK_MAX_MS);
    }
    return true;
}

/* From where the last tick ended, so that all come in turn. */
void bus_redis_room_looks(struct redis_rooms *b)
{
    unsigned looks = 0;

    for (unsigned i = 0; b->due_n > 0 && i < ROOMS_PER_TICK && looks < LOOKS_PER_TICK; i++) {
        struct map_node *n =
            b->looking.map != NULL ? map_next(&b->looking) : map_first(&b->map, &b->looking);

        if (n == NULL) {
            b->looking = (struct map_iter){0};
            if (i >= map_n(&b->map))
                return;
            continue;
        }
        looks += look_if_due(b, CONTAINER_OF(n, struct redis_room, node));
    }
}

/* Subscribing. In a cluster channels of one command must be in one slot. */

static void say_subscribe(struct redis_rooms *b, struct redis_shard *s, bool on, struct str *words,
                          unsigned n)
{
    static const char *const names[2][2] = {{"UNSUBSCRIBE", "SUBSCRIBE"},
                                            {"SUNSUBSCRIBE", "SSUBSCRIBE"}};

    assert(s->subscribes.state == LINK_UP && n > 0);
    words[0] = str_of(names[b->shards->cluster.on && s != &b->shards->plain][on]);
    bus_redis_link_say(&s->subscribes, words, n + 1);
}

static void say_one(struct redis_rooms *b, struct redis_shard *s, bool on, struct str channel)
{
    struct str words[2] = {{0}, channel};

    if (s->subscribes.state == LINK_UP)
        say_subscribe(b, s, on, words, 1);
}

void bus_redis_room_subscribe(struct redis_rooms *b, struct redis_shard *s)
{
    unsigned at_once = s == &b->shards->plain ? SUBSCRIBE_AT_ONCE : 1;
    struct str words[SUBSCRIBE_AT_ONCE + 1];

    while (s->subscribes.state == LINK_UP && !list_empty(&s->asked) &&
           buf_len(&s->subscribes.queued) < SUBSCRIBE_QUEUED) {
        char names[SUBSCRIBE_AT_ONCE][NAME_MAX];
        unsigned n = 0;
        struct list *node;

        while (n < at_once && (node = list_pop(&s->asked)) != NULL) {
            struct redis_room *r = CONTAINER_OF(node, struct redis_room, asked);

            words[n + 1] = bus_redis_channel_room(b->core, room_str(r), names[n]);
            n++;
        }
        say_subscribe(b, s, true, words, n);
    }
}

static void ask_for(struct redis_room *r)
{
    assert(r->at != NULL && !list_empty(&r->here));
    list_remove(&r->asked);
    list_push(&r->at->asked, &r->asked);
}

void bus_redis_room_subscribe_all(struct redis_rooms *b, struct redis_shard *s)
{
    char name[NAME_MAX];

    assert(s->subscribes.state == LINK_UP);
    for (unsigned i = 0; i < BASE_N; i++) {
        if (b->shards->base[i].at != s)
            continue;
        b->shards->base[i].confirmed = false;
        say_one(b, s, true, bus_redis_channel_base(b->core, i, name));
    }
    for (struct list *n = s->rooms.next; n != &s->rooms; n = n->next) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, here);

        r->confirmed = false;
        ask_for(r);
    }
}

static void room_leave(struct redis_rooms *b, struct redis_room *r)
{
    char name[NAME_MAX];

    assert((r->at == NULL) == list_empty(&r->here));
    if (r->at == NULL)
        b->shards->nowhere_n--;
    else
        say_one(b, r->at, false, bus_redis_channel_room(b->core, room_str(r), name));
    r->at = NULL;
    r->confirmed = false;
    list_remove(&r->here);
    list_remove(&r->asked);
}

static void room_enter(struct redis_rooms *b, struct redis_room *r, struct redis_shard *s)
{
    assert(r->at == NULL && !r->confirmed && list_empty(&r->here));
    r->at = s;
    if (s == NULL) {
        b->shards->nowhere_n++;
        return;
    }
    list_push(&s->rooms, &r->here);
    ask_for(r);
}

static void place_room(struct redis_rooms *b, struct redis_room *r)
{
    struct redis_shard *s = bus_redis_shard_of(b->shards, r->slot);

    if (r->at != s) {
        room_leave(b, r);
        room_enter(b, r, s);
    } else if (s != NULL && !r->confirmed) {
        ask_for(r);
    }
    if (!is_heard(b, r))
        look_at(b, r, bus_redis_now(b->core) + LOOK_MS);
}

static void place_base(struct redis_rooms *b, unsigned i)
{
    struct redis_base *base = &b->shards->base[i];
    char name[NAME_MAX];
    struct str channel = bus_redis_channel_base(b->core, i, name);
    struct redis_shard *s = bus_redis_shard_of(b->shards, slots_of(channel));

    assert(base->at != NULL || !base->confirmed);
    if (base->at == s && (s == NULL || base->confirmed))
        return;
    if (base->at != s) {
        base->confirmed = false;
        if (base->at != NULL)
            say_one(b, base->at, false, channel);
    }
    base->at = s;
    if (s != NULL)
        say_one(b, s, true, channel);
}

void bus_redis_room_place_all(struct redis_rooms *b)
{
    struct map_iter it;

    for (unsigned i = 0; i < BASE_N; i++)
        place_base(b, i);
    for (struct map_node *n = map_first(&b->map, &it); n != NULL; n = map_next(&it))
        place_room(b, CONTAINER_OF(n, struct redis_room, node));
}

static struct redis_base *base_of(struct redis_rooms *b, struct redis_shard *s, struct str rest)
{
    struct redis_base *base = &b->shards->base[rest.p[0] == '$' ? BASE_ALL : BASE_SELF];

    assert(rest.n > 0);
    return base->at == s ? base : NULL;
}

/* Unasked, an end says that the slot has moved. */
void bus_redis_room_subscribed(struct redis_rooms *b, struct redis_shard *s, struct str rest,
                               bool on)
{
    bool is_room = rest.p[0] == '{';
    struct redis_base *base = is_room ? NULL : base_of(b, s, rest);
    struct redis_room *r = NULL;
    bool *confirmed;

    assert(rest.n > 0);
    if (is_room) {
        (void)str_cut(&rest, ':');
        r = bus_redis_room_find(b, rest);
    }
    if (is_room ? r == NULL || r->at != s : base == NULL)
        return;
    confirmed = is_room ? &r->confirmed : &base->confirmed;
    if (*confirmed == on)
        return;
    *confirmed = on;
    if (!on)
        bus_redis_shard_amiss(b->shards);
    if (is_room)
        look_at(b, r, bus_redis_now(b->core));
    else
        bus_redis_shard_changed(b->shards);
}

/* Following. */

static void room_free(struct redis_rooms *b, struct redis_room *r)
{
    assert(list_empty(&r->here) && list_empty(&r->asked));
    if (r->look_ms != 0)
        b->due_n--;
    map_remove(&b->map, &r->node);
    b->looking = (struct map_iter){0};
    free(r->counts);
    free(r);
}

static void room_new(struct redis_rooms *b, unsigned ear, struct str id)
{
    struct redis_room *r = mem_zeroed(1, sizeof(*r) + id.n);
    char name[NAME_MAX];
    struct str channel;

    assert(ear < b->core->ears_n && id.n > 0);
    r->ear = ear;
    r->every_ms = LOOK_MS;
    r->id_n = id.n;
    memcpy(r->id, id.p, id.n);
    channel = bus_redis_channel_room(b->core, id, name);
    r->slot = slots_of(channel);
    bus_seal_channel(&b->core->seal, channel, &r->seal);
    list_init(&r->here);
    list_init(&r->asked);
    map_add(&b->map, &r->node, siphash(b->core->hash_key, id));
    b->looking = (struct map_iter){0};
    room_enter(b, r, bus_redis_shard_of(b->shards, r->slot));
    if (!bus_redis_shard_serves(b->shards, r->at) || b->missing)
        look_at(b, r, bus_redis_now(b->core));
}

void bus_redis_room_follow(struct redis_rooms *b, unsigned ear, struct str id, bool on)
{
    struct redis_room *r = bus_redis_room_find(b, id);

    assert(r == NULL || r->ear < b->core->ears_n);
    if (!on && r != NULL) {
        room_leave(b, r);
        room_free(b, r);
    } else if (on && r == NULL) {
        room_new(b, ear, id);
    } else if (on) {
        r->ear = ear;
    }
    __atomic_store_n(&b->core->stats.channels, map_n(&b->map), __ATOMIC_RELAXED);
}

void bus_redis_room_init(struct redis_rooms *b, struct redis_shards *shards)
{
    assert(shards->core != NULL);
    b->core = shards->core;
    b->shards = shards;
    map_init(&b->map);
}

void bus_redis_room_fini(struct redis_rooms *b)
{
    struct map_iter it;

    assert(b->core->ending);
    for (struct map_node *n = map_first(&b->map, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);

        list_remove(&r->here);
        list_remove(&r->asked);
        free(r->counts);
        free(r);
    }
    map_fini(&b->map);
}
