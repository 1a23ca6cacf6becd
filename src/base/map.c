#include "base/map.h"

#include <stdlib.h>

enum { CAP_MIN = 8, SHRINK_BELOW = 8 /* nodes are less than 1/8 of the buckets */ };

static struct map_node **bucket_of(const struct map *m, uint64_t hash)
{
    return &m->buckets[hash & (m->cap - 1)];
}

static void push(struct map *m, struct map_node *node)
{
    struct map_node **bucket = bucket_of(m, node->hash);

    node->next = *bucket;
    *bucket = node;
}

/* Moves every node into a table of cap buckets; without memory for it, none. */
static void resize(struct map *m, size_t cap)
{
    struct map_node **old = m->buckets;
    size_t old_cap = m->cap;
    struct map_node **buckets = calloc(cap, sizeof(struct map_node *));

    if (buckets == NULL) {
        assert(old_cap > 0);
        return;
    }
    m->buckets = buckets;
    m->cap = cap;
    for (size_t i = 0; i < old_cap; i++) {
        struct map_node *next;

        for (struct map_node *node = old[i]; node != NULL; node = next) {
            next = node->next;
            push(m, node);
        }
    }
    free(old);
}

/* The table for n nodes. Shrinking waits for an add, so that a loop over the
 * nodes can remove. */
static void fit(struct map *m, size_t n)
{
    size_t cap = m->cap;

    if (cap == 0)
        cap = CAP_MIN;
    else if (n > cap)
        cap *= 2;
    else if (cap > CAP_MIN && n < cap / SHRINK_BELOW)
        for (cap = CAP_MIN; cap < 2 * n;)
            cap *= 2;
    if (cap != m->cap)
        resize(m, cap);
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    free(m->buckets);
    map_init(m);
}

struct map_node *map_find(const struct map *m, uint64_t hash, map_eq_f *eq, const void *key)
{
    if (m->n == 0)
        return NULL;
    for (struct map_node *node = *bucket_of(m, hash); node != NULL; node = node->next)
        if (node->hash == hash && eq(node, key))
            return node;
    return NULL;
}

void map_add(struct map *m, struct map_node *node, uint64_t hash)
{
    fit(m, m->n + 1);
    node->hash = hash;
    push(m, node);
    m->n++;
}

void map_remove(struct map *m, struct map_node *node)
{
    struct map_node **at;

    assert(m->n > 0);
    for (at = bucket_of(m, node->hash); *at != node; at = &(*at)->next)
        assert(*at != NULL);
    *at = node->next;
    node->next = NULL;
    if (--m->n == 0)
        map_fini(m);
}

struct map_node *map_first(const struct map *m, struct map_iter *it)
{
    *it = (struct map_iter){.map = m};
    return map_next(it);
}

struct map_node *map_next(struct map_iter *it)
{
    struct map_node *node;

    while (it->next == NULL && it->bucket < it->map->cap)
        it->next = it->map->buckets[it->bucket++];
    node = it->next;
    if (node != NULL)
        it->next = node->next;
    return node;
}
