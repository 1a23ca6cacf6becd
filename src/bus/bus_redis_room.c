#include "bus/bus_redis_impl.h"

#include "base/siphash.h"

#include <stdlib.h>

enum {
    SUBSCRIBE_AT_ONCE = 200,
    LOOKS_PER_TICK = 50,
    ROOMS_PER_TICK = 5000,
    LOOK_MS = 500,
    LOOK_MAX_MS = 15000,
};

static bool room_eq(const struct map_node *node, const void *key)
{
    const struct redis_room *r =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_room, node);

    return str_eq((struct str){r->id, r->id_n}, *(const struct str *)key);
}

struct redis_room *bus_redis_room_find(struct bus_redis *b, struct str id)
{
    struct map_node *n = map_find(&b->rooms, siphash(b->hash_key, id), room_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct redis_room, node) : NULL;
}

static struct str room_str(const struct redis_room *r)
{
    return (struct str){r->id, r->id_n};
}

/* Is it known that nothing of it is missed? */
static bool is_heard(const struct bus_redis *b, const struct redis_room *r)
{
    return r->at != NULL && r->at->up && !b->cluster.refuses && (r->confirmed || !b->cluster.on);
}

/* Looking. */

static void look_at(struct bus_redis *b, struct redis_room *r, uint64_t at_ms)
{
    if (r->look_ms == 0)
        b->due_n++;
    if (r->look_ms == 0 || at_ms < r->look_ms)
        r->look_ms = at_ms;
}

void bus_redis_room_look(struct bus_redis *b, struct redis_room *r)
{
    bus_redis_add(&b->stats.looks, 1);
    bus_redis_tell(b, r->ear, &(struct bus_event){.kind = BUS_LOOK, .room = room_str(r)});
}

void bus_redis_room_look_all(struct bus_redis *b, const struct redis_shard *s, unsigned within_ms)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->rooms, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);

        if (s != NULL && r->at != s)
            continue;
        r->every_ms = LOOK_MS;
        look_at(b, r, bus_redis_now(b) + 1 + rng_below(&b->rng, within_ms));
    }
}

void bus_redis_room_found(struct bus_redis *b, struct str id)
{
    struct redis_room *r = bus_redis_room_find(b, id);

    if (r == NULL || is_heard(b, r))
        return;
    r->every_ms = LOOK_MS;
    look_at(b, r, bus_redis_now(b) + LOOK_MS);
}

void bus_redis_room_busy(struct bus_redis *b, struct str id)
{
    struct redis_room *r = bus_redis_room_find(b, id);

    if (r != NULL)
        r->every_ms = LOOK_MS;
}

static bool look_if_due(struct bus_redis *b, struct redis_room *r)
{
    uint64_t now = bus_redis_now(b);

    if (r->look_ms == 0 || r->look_ms > now)
        return false;
    r->look_ms = 0;
    b->due_n--;
    bus_redis_room_look(b, r);
    if (!is_heard(b, r)) {
        look_at(b, r, now + r->every_ms / 2 + rng_below(&b->rng, r->every_ms));
        r->every_ms = MIN(r->every_ms * 2, (unsigned)LOOK_MAX_MS);
    }
    return true;
}

/* From where the last tick ended, so that all come in turn. */
void bus_redis_room_looks(struct bus_redis *b)
{
    unsigned looks = 0;

    for (unsigned i = 0; b->due_n > 0 && i < ROOMS_PER_TICK && looks < LOOKS_PER_TICK; i++) {
        struct map_node *n =
            b->looking.map != NULL ? map_next(&b->looking) : map_first(&b->rooms, &b->looking);

        if (n == NULL) {
            b->looking = (struct map_iter){0};
            if (i >= map_n(&b->rooms))
                return;
            continue;
        }
        looks += look_if_due(b, CONTAINER_OF(n, struct redis_room, node));
    }
}

/* Subscribing. In a cluster channels of one command must be in one slot. */

static void say(struct bus_redis *b, struct redis_shard *s, bool on, struct str *words, unsigned n)
{
    static const char *const names[2][2] = {{"UNSUBSCRIBE", "SUBSCRIBE"},
                                            {"SUNSUBSCRIBE", "SSUBSCRIBE"}};

    words[0] = str_of(names[b->cluster.on && s != &b->plain][on]);
    bus_redis_link_say(&s->subscribes, words, n + 1);
}

static void say_one(struct bus_redis *b, struct redis_shard *s, bool on, struct str channel)
{
    struct str words[2] = {{0}, channel};

    if (s->subscribes.state == LINK_UP)
        say(b, s, on, words, 1);
}

void bus_redis_room_subscribe(struct bus_redis *b, struct redis_shard *s)
{
    unsigned at_once = s == &b->plain ? SUBSCRIBE_AT_ONCE : 1;
    struct str words[SUBSCRIBE_AT_ONCE + 1];

    while (s->subscribes.state == LINK_UP && !list_empty(&s->asked)) {
        char names[SUBSCRIBE_AT_ONCE][NAME_MAX];
        unsigned n = 0;
        struct list *node;

        while (n < at_once && (node = list_pop(&s->asked)) != NULL) {
            struct redis_room *r = CONTAINER_OF(node, struct redis_room, asked);

            words[n + 1] = bus_redis_channel_room(b, room_str(r), names[n]);
            n++;
        }
        say(b, s, true, words, n);
    }
}

static void ask_for(struct redis_room *r)
{
    list_remove(&r->asked);
    list_push(&r->at->asked, &r->asked);
}

void bus_redis_room_subscribe_all(struct bus_redis *b, struct redis_shard *s)
{
    char name[NAME_MAX];

    for (unsigned i = 0; i < BASE_N; i++) {
        if (b->base[i].at != s)
            continue;
        b->base[i].confirmed = false;
        say_one(b, s, true, bus_redis_channel_base(b, i, name));
    }
    for (struct list *n = s->rooms.next; n != &s->rooms; n = n->next) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, here);

        r->confirmed = false;
        ask_for(r);
    }
}

static void leave(struct bus_redis *b, struct redis_room *r)
{
    char name[NAME_MAX];

    if (r->at == NULL)
        b->nowhere_n--;
    else
        say_one(b, r->at, false, bus_redis_channel_room(b, room_str(r), name));
    r->at = NULL;
    r->confirmed = false;
    list_remove(&r->here);
    list_remove(&r->asked);
}

static void enter(struct bus_redis *b, struct redis_room *r, struct redis_shard *s)
{
    r->at = s;
    if (s == NULL) {
        b->nowhere_n++;
        return;
    }
    list_push(&s->rooms, &r->here);
    ask_for(r);
}

static void place(struct bus_redis *b, struct redis_room *r)
{
    struct redis_shard *s = bus_redis_shard_of(b, r->slot);

    if (r->at != s) {
        leave(b, r);
        enter(b, r, s);
    } else if (s != NULL && !r->confirmed) {
        ask_for(r);
    }
    if (!is_heard(b, r))
        look_at(b, r, bus_redis_now(b) + LOOK_MS);
}

static void place_base(struct bus_redis *b, unsigned i)
{
    struct redis_base *base = &b->base[i];
    char name[NAME_MAX];
    struct str channel = bus_redis_channel_base(b, i, name);
    struct redis_shard *s = bus_redis_shard_of(b, slots_of(channel));

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

void bus_redis_room_place_all(struct bus_redis *b)
{
    struct map_iter it;

    for (unsigned i = 0; i < BASE_N; i++)
        place_base(b, i);
    for (struct map_node *n = map_first(&b->rooms, &it); n != NULL; n = map_next(&it))
        place(b, CONTAINER_OF(n, struct redis_room, node));
}

static struct redis_base *base_of(struct bus_redis *b, struct redis_shard *s, struct str rest)
{
    struct redis_base *base = &b->base[rest.p[0] == '$' ? BASE_ALL : BASE_SELF];

    return base->at == s ? base : NULL;
}

/* Unasked, an end says that the slot has moved. */
void bus_redis_room_subscribed(struct bus_redis *b, struct redis_shard *s, struct str rest, bool on)
{
    bool is_room = rest.p[0] == '{';
    struct redis_base *base = is_room ? NULL : base_of(b, s, rest);
    struct redis_room *r = NULL;
    bool *confirmed;

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
        bus_redis_shard_amiss(b);
    if (is_room)
        look_at(b, r, bus_redis_now(b));
    else
        bus_redis_changed(b);
}

/* Following. */

static void room_free(struct bus_redis *b, struct redis_room *r)
{
    if (r->look_ms != 0)
        b->due_n--;
    map_remove(&b->rooms, &r->node);
    b->looking = (struct map_iter){0};
    free(r->counts);
    free(r);
}

static void room_new(struct bus_redis *b, unsigned ear, struct str id)
{
    struct redis_room *r = calloc(1, sizeof(*r) + id.n);
    char name[NAME_MAX];

    if (r == NULL)
        abort();
    r->ear = ear;
    r->every_ms = LOOK_MS;
    r->id_n = id.n;
    memcpy(r->id, id.p, id.n);
    r->slot = slots_of(bus_redis_channel_room(b, id, name));
    list_init(&r->here);
    list_init(&r->asked);
    map_add(&b->rooms, &r->node, siphash(b->hash_key, id));
    b->looking = (struct map_iter){0};
    enter(b, r, bus_redis_shard_of(b, r->slot));
    if (r->at == NULL || !r->at->up || b->cluster.refuses)
        look_at(b, r, bus_redis_now(b));
}

void bus_redis_room_follow(struct bus_redis *b, unsigned ear, struct str id, bool on)
{
    struct redis_room *r = bus_redis_room_find(b, id);

    if (!on && r != NULL) {
        leave(b, r);
        room_free(b, r);
    } else if (on && r == NULL) {
        room_new(b, ear, id);
    } else if (on) {
        r->ear = ear;
    }
    __atomic_store_n(&b->stats.channels, map_n(&b->rooms), __ATOMIC_RELAXED);
}

void bus_redis_room_fini(struct bus_redis *b)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->rooms, &it); n != NULL; n = map_next(&it)) {
        struct redis_room *r = CONTAINER_OF(n, struct redis_room, node);

        list_remove(&r->here);
        list_remove(&r->asked);
        free(r->counts);
        free(r);
    }
    map_fini(&b->rooms);
}
