#include "bus/bus_redis_impl.h"

#include <stdlib.h>

enum {
    HELLO_MS = 3000,
    ANSWER_MS = 100, /* a newcomer is answered within this, once for many */
    NODES_MAX = 10000,
    LOOKS_WITHIN_MS = 500,
};

static bool node_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct redis_node, node)->id ==
           *(const uint64_t *)key;
}

static struct redis_node *node_find(struct bus_redis *b, uint64_t id)
{
    struct map_node *n = map_find(&b->nodes, map_hash_id(id), node_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct redis_node, node) : NULL;
}

static void count_nodes(struct bus_redis *b)
{
    __atomic_store_n(&b->stats.nodes, map_n(&b->nodes), __ATOMIC_RELAXED);
}

static void tell_up(struct bus_redis *b, const struct redis_node *n)
{
    bus_redis_tell_all(b, &(struct bus_event){
                              .kind = BUS_NODE_UP,
                              .node = n->id,
                              .bytes = {n->text, n->text_n},
                          });
}

/* What it rang last may have been lost with it. */
static void gone(struct bus_redis *b, struct redis_node *n)
{
    bus_redis_tell_all(b, &(struct bus_event){.kind = BUS_NODE_DOWN, .node = n->id});
    map_remove(&b->nodes, &n->node);
    free(n);
    count_nodes(b);
    bus_redis_room_look_all(b, NULL, LOOKS_WITHIN_MS);
}

/* It may have been here before, unheard, and have rung; so may the one that it is in place
 * of. */
static struct redis_node *came(struct bus_redis *b, uint64_t id)
{
    uint64_t soon = bus_redis_now(b) + rng_below(&b->rng, ANSWER_MS);
    struct redis_node *n;

    if (map_n(&b->nodes) >= NODES_MAX)
        return NULL;
    n = calloc(1, sizeof(*n));
    if (n == NULL)
        abort();
    n->id = id;
    map_add(&b->nodes, &n->node, map_hash_id(id));
    count_nodes(b);
    b->hello_ms = MIN(b->hello_ms, soon);
    bus_redis_room_look_all(b, NULL, LOOKS_WITHIN_MS);
    return n;
}

void bus_redis_node_heard(struct bus_redis *b, uint64_t id, char kind, struct str text)
{
    struct redis_node *n = node_find(b, id);
    bool is_new = n == NULL;

    if (kind == MESSAGE_BYE) {
        if (n != NULL)
            gone(b, n);
        return;
    }
    if (kind != MESSAGE_HELLO || text.n > BUS_TEXT_MAX || id == 0)
        return;
    if (is_new)
        n = came(b, id);
    if (n == NULL)
        return;
    n->heard_ms = bus_redis_now(b);
    if (!is_new && str_eq((struct str){n->text, n->text_n}, text))
        return;
    n->text_n = text.n;
    if (text.n > 0)
        memcpy(n->text, text.p, text.n);
    tell_up(b, n);
}

void bus_redis_node_mind(struct bus_redis *b)
{
    uint64_t now = bus_redis_now(b);
    const struct redis_shard *at = b->base[BASE_ALL].at;
    bool up = at != NULL && at->up && !b->cluster.refuses;
    struct map_iter it;

    for (struct map_node *m = map_first(&b->nodes, &it); m != NULL; m = map_next(&it)) {
        struct redis_node *n = CONTAINER_OF(m, struct redis_node, node);

        /* While nothing can be heard, nobody is gone. */
        if (!up)
            n->heard_ms = now;
        else if (now > n->heard_ms + BUS_LEASE_MS)
            gone(b, n);
    }
    if (up && now >= b->hello_ms) {
        b->hello_ms = now + HELLO_MS;
        bus_redis_publish_say(b, MESSAGE_HELLO, str_of(b->text));
    }
}

void bus_redis_node_fini(struct bus_redis *b)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&b->nodes, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct redis_node, node));
    map_fini(&b->nodes);
}
