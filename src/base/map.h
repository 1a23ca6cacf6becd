/* map.h: intrusive hash table with chains. The node is a member of the
 * caller's object and keeps the hash; the key stays in the object.
 *
 *   buckets[hash & (cap - 1)] -> node -> node -> NULL        cap: 0 or 2^k
 *
 * An empty map holds no memory. When memory for a larger table is out, the
 * table stays as it is and chains grow: only adding the very first nodes
 * needs it, and aborts. Not for sharing between threads. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base.h"

struct map_node {
    struct map_node *next;
    uint64_t hash; /* siphash() of a peer's keys */
};

struct map {
    struct map_node **buckets;
    size_t cap, n;
};

/* Whether node is the one with that key; called only where hashes are equal. */
typedef bool map_eq_f(const struct map_node *node, const void *key);

void map_init(struct map *m);

/* Frees the table, not the nodes, which are the caller's. Idempotent; m is
 * empty and usable afterwards. */
void map_fini(struct map *m);

/* The node with that key, or NULL. */
struct map_node *map_find(const struct map *m, uint64_t hash, map_eq_f *eq, const void *key);

/* Adds node, which is in no map. That its key is new is the caller's duty. */
void map_add(struct map *m, struct map_node *node, uint64_t hash);

/* Removes node, which must be in m. */
void map_remove(struct map *m, struct map_node *node);

/* The hash of a number that is our own, not a peer's choice: an id from a counter. */
static inline uint64_t map_hash_id(uint64_t id)
{
    return id * 0x9e3779b97f4a7c15u >> 7;
}

static inline size_t map_n(const struct map *m)
{
    return m->n;
}

/* Every node once, in no order:
 *
 *     for (n = map_first(&m, &it); n != NULL; n = map_next(&it))
 *
 * Between the calls the node just returned may be removed (and freed), no
 * other, and nothing may be added. */
struct map_iter {
    const struct map *map;
    struct map_node *next;
    size_t bucket;
};

struct map_node *map_first(const struct map *m, struct map_iter *it);
struct map_node *map_next(struct map_iter *it);

#endif
