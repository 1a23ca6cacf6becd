#include "bus/bus_redis_node.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
    HELLO_MS = 3000,
    LATE_MS = HELLO_MS + 1500,
    ASK_MS = 1000,
    FRESH_MS = BUS_LEASE_MS,
    ANSWER_MS = 100, /* a newcomer is answered within this, once for many */
    NODES_MAX = 10000,
    LOOKS_WITHIN_MS = 500,
};

static bool node_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_node, node)->id ==
           *(const uint64_t *)key;
}

static struct redis_node *node_find(struct redis_nodes *b, uint64_t id)
{
    struct map_node *n = map_find(&b->map, map_hash_id(id), node_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct redis_node, node) : NULL;
}

static void count_nodes(struct redis_nodes *b)
{
    assert(b->proven_n <= map_n(&b->map));
    __atomic_store_n(&b->core->stats.nodes, b->proven_n, __ATOMIC_RELAXED);
}

static void tell_up(struct redis_nodes *b, const struct redis_node *n)
{
    assert(n->proven && n->text_n <= BUS_TEXT_MAX);
    bus_redis_core_tell_all(b->core, &(struct bus_event){
                                         .kind = BUS_NODE_UP,
                                         .node = n->id,
                                         .bytes = {n->text, n->text_n},
                                     });
}

/* Missing nodes. */

static void count_missing(struct redis_nodes *b)
{
    unsigned n = b->missing_n + b->late_n;

    assert(b->missing_n <= MISSING_MAX && b->late_n <= map_n(&b->map));
    __atomic_store_n(&b->core->stats.missing, n, __ATOMIC_RELAXED);
    bus_redis_room_missing(b->rooms, n > 0);
}

static unsigned missing_find(const struct redis_nodes *b, uint64_t id)
{
    unsigned i = 0;

    while (i < b->missing_n && b->missing[i].id != id)
        i++;
    return i;
}

static void missing_remove(struct redis_nodes *b, uint64_t id)
{
    unsigned i = missing_find(b, id);

    if (i == b->missing_n)
        return;
    b->missing[i] = b->missing[--b->missing_n];
    count_missing(b);
}

/* Of more than MISSING_MAX, some are enough to go on. */
static void missing_add(struct redis_nodes *b, uint64_t id, unsigned for_ms)
{
    uint64_t until = bus_redis_now(b->core) + for_ms;
    unsigned i = missing_find(b, id);

    assert(id != 0 && id != b->core->self);
    if (i == MISSING_MAX)
        return;
    if (i == b->missing_n)
        b->missing[b->missing_n++] = (struct redis_missing){.id = id};
    b->missing[i].until_ms = MAX(b->missing[i].until_ms, until);
    count_missing(b);
}

static void set_late(struct redis_nodes *b, struct redis_node *n, bool late)
{

    if (n->late == late)
        return;
    n->late = late;
    b->late_n = late ? b->late_n + 1 : b->late_n - 1;
    count_missing(b);
}

static bool is_proven(struct redis_nodes *b, uint64_t id)
{
    const struct redis_node *n = node_find(b, id);

    return n != NULL && n->proven;
}

void bus_redis_node_alive(struct redis_nodes *b, uint64_t id, bool alive)
{
    if (!alive)
        missing_remove(b, id);
    else if (id != 0 && id != b->core->self && !is_proven(b, id))
        missing_add(b, id, 2 * BUS_LEASE_MS);
}

/* What it rang last may have been lost with it; if it did not say goodbye it may live, and
 * go on to write. */
static void node_gone(struct redis_nodes *b, struct redis_node *n, bool goodbye)
{
    bool was_there = n->proven;

    assert(!n->proven || b->proven_n > 0);
    set_late(b, n, false);
    if (was_there && !goodbye)
        missing_add(b, n->id, BUS_MISSING_MS);
    map_remove(&b->map, &n->node);
    b->proven_n -= was_there;
    count_nodes(b);
    if (was_there) {
        bus_redis_core_tell_all(b->core, &(struct bus_event){.kind = BUS_NODE_DOWN, .node = n->id});
        bus_redis_room_look_all(b->rooms, NULL, LOOKS_WITHIN_MS);
    }
    free(n);
}

static void node_ask(struct redis_nodes *b, struct redis_node *n)
{
    uint64_t now = bus_redis_now(b->core);

    assert(n->id != 0 && n->id != b->core->self);
    if (n->asked_ms > 0 && now < n->asked_ms + ASK_MS)
        return;
    n->asked_ms = now;
    while (n->number == 0)
        io_random(b->core->io, (uint8_t *)&n->number, sizeof(n->number));
    bus_redis_publish_direct(b->publisher, MESSAGE_ASK, n->id, n->number, (struct str){0});
}

static struct redis_node *node_came(struct redis_nodes *b, uint64_t id)
{
    uint64_t now = bus_redis_now(b->core);
    struct redis_node *n;

    assert(node_find(b, id) == NULL);
    if (map_n(&b->map) >= NODES_MAX || id == 0)
        return NULL;
    n = mem_zeroed(1, sizeof(*n));
    n->id = id;
    n->heard_ms = now;
    map_add(&b->map, &n->node, map_hash_id(id));
    b->hello_ms = MIN(b->hello_ms, now + rng_below(&b->core->rng, ANSWER_MS));
    return n;
}

static void take_text(struct redis_nodes *b, struct redis_node *n, struct str text, bool is_new)
{
    assert(n->proven && text.n <= BUS_TEXT_MAX);
    if (!is_new && str_eq((struct str){n->text, n->text_n}, text))
        return;
    n->text_n = text.n;
    if (text.n > 0)
        memcpy(n->text, text.p, text.n);
    tell_up(b, n);
}

/* It may have been here before, unheard, and have rung; so may the one that it is in place
 * of. */
static void node_proven(struct redis_nodes *b, struct redis_node *n, const struct bus_head *h,
                        struct str text)
{
    uint64_t now = bus_redis_now(b->core);
    bool is_new = !n->proven;

    assert(n->number != 0 && n->number == h->seq);
    n->number = 0;
    n->ahead = h->at_ms - now;
    n->heard_ms = now;
    n->proven = true;
    missing_remove(b, n->id);
    set_late(b, n, false);
    b->proven_n += is_new;
    count_nodes(b);
    take_text(b, n, text, is_new);
    if (is_new)
        bus_redis_room_look_all(b->rooms, NULL, LOOKS_WITHIN_MS);
}

struct redis_node *bus_redis_node_now(struct redis_nodes *b, const struct bus_head *h)
{
    struct redis_node *n = node_find(b, h->node);
    int64_t late_ms;

    if (n == NULL || !n->proven)
        return NULL;
    late_ms = (int64_t)(n->ahead + bus_redis_now(b->core) - h->at_ms);
    if (late_ms <= FRESH_MS)
        return n;
    bus_redis_add(&b->core->stats.stale, 1);
    node_ask(b, n); /* its clock may have stood still */
    return NULL;
}

bool bus_redis_node_counts(struct redis_nodes *b, uint64_t *last, const struct bus_head *h)
{
    if (h->count <= *last) {
        bus_redis_add(&b->core->stats.stale, 1);
        return false;
    }
    *last = h->count;
    return true;
}

static void said_hello(struct redis_nodes *b, const struct bus_head *h, struct str text)
{
    struct redis_node *n = node_find(b, h->node);

    assert(h->kind == MESSAGE_HELLO);
    if (n == NULL)
        n = node_came(b, h->node);
    if (n == NULL || text.n > BUS_TEXT_MAX)
        return;
    if (!n->proven) {
        node_ask(b, n);
        if (bus_redis_node_counts(b, &n->count_all, h))
            n->heard_ms = bus_redis_now(b->core);
        return;
    }
    if (bus_redis_node_now(b, h) == NULL || !bus_redis_node_counts(b, &n->count_all, h))
        return;
    n->heard_ms = bus_redis_now(b->core);
    set_late(b, n, false);
    n->ahead = h->at_ms - n->heard_ms;
    take_text(b, n, text, false);
}

void bus_redis_node_heard(struct redis_nodes *b, const struct bus_head *h, struct str text)
{
    struct redis_node *n;

    if (h->kind == MESSAGE_HELLO) {
        said_hello(b, h, text);
    } else if (h->kind == MESSAGE_BYE) {
        n = bus_redis_node_now(b, h);
        if (n != NULL && bus_redis_node_counts(b, &n->count_all, h))
            node_gone(b, n, true);
    }
}

void bus_redis_node_asked(struct redis_nodes *b, const struct bus_head *h, struct str text)
{
    struct redis_node *n = node_find(b, h->node);

    if (h->kind == MESSAGE_PROOF && n != NULL && n->number != 0 && n->number == h->seq &&
        text.n <= BUS_TEXT_MAX)
        node_proven(b, n, h, text);
    if (h->kind != MESSAGE_ASK || b->core->ending) /* who has said goodbye proves nothing more */
        return;
    if (n == NULL)
        n = node_came(b, h->node);
    if (n != NULL && !n->proven)
        node_ask(b, n);
    bus_redis_publish_direct(b->publisher, MESSAGE_PROOF, h->node, h->seq, str_of(b->text));
}

void bus_redis_node_mind(struct redis_nodes *b)
{
    uint64_t now = bus_redis_now(b->core);
    const struct redis_shards *shards = b->rooms->shards;
    bool up = bus_redis_shard_serves(shards, shards->base[BASE_ALL].at);
    struct map_iter it;

    assert(!b->core->ending);
    for (struct map_node *m = map_first(&b->map, &it); m != NULL; m = map_next(&it)) {
        struct redis_node *n = CONTAINER_OF(m, struct redis_node, node);

        /* While nothing can be heard, nobody is gone. */
        if (!up) {
            n->heard_ms = now;
        } else if (now > n->heard_ms + BUS_LEASE_MS) {
            node_gone(b, n, false);
            continue;
        } else if (n->proven && now > n->heard_ms + LATE_MS) {
            set_late(b, n, true);
        }
        if (up && n->number != 0)
            node_ask(b, n);
    }
    for (unsigned i = b->missing_n; i-- > 0;)
        if (now > b->missing[i].until_ms)
            missing_remove(b, b->missing[i].id);
    if (up && now >= b->hello_ms) {
        b->hello_ms = now + HELLO_MS;
        bus_redis_publish_say(b->publisher, MESSAGE_HELLO, str_of(b->text));
    }
}

void bus_redis_node_init(struct redis_nodes *b, struct redis_rooms *rooms,
                         struct redis_publisher *publisher)
{
    assert(rooms->core == publisher->core);
    b->core = rooms->core;
    b->rooms = rooms;
    b->publisher = publisher;
    map_init(&b->map);
}

void bus_redis_node_fini(struct redis_nodes *b)
{
    struct map_iter it;

    assert(b->core->ending);
    for (struct map_node *n = map_first(&b->map, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct redis_node, node));
    map_fini(&b->map);
}
