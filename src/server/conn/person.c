#include "server/conn/person.h"

#include "base/mem.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

static bool person_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct person, node)->id ==
           *(const uint64_t *)key;
}

struct bucket_rate person_rate(const struct worker *w)
{
    const struct conf *c = w->server->conf;

    return (struct bucket_rate){c->messages_per_user, c->messages_burst};
}

struct person *person_find(struct worker *w, uint64_t id)
{
    struct map_node *n = map_find(&w->persons, map_hash_id(id), person_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct person, node) : NULL;
}

/* Most names are short: their people come from a pool, without malloc's overhead. */
static struct person *person_new(struct worker *w, size_t name_n)
{
    struct person *p;

    assert(name_n <= UINT8_MAX);
    if (offsetof(struct person, name) + name_n <= PERSON_SHORT)
        return pool_get(&w->person_pool);
    p = mem_zeroed(1, offsetof(struct person, name) + name_n);
    return p;
}

static void person_free(struct worker *w, struct person *p)
{
    if (offsetof(struct person, name) + p->name_n <= PERSON_SHORT)
        pool_put(&w->person_pool, p);
    else
        free(p);
}

struct person *person_get(struct worker *w, const struct caller *who)
{
    struct person *p = person_find(w, who->user);
    size_t n = MIN(who->name.n, (size_t)UINT8_MAX);

    assert(who->user != 0);
    if (p != NULL)
        return p;
    p = person_new(w, n);
    p->id = who->user;
    p->name_n = (uint8_t)n;
    if (n > 0)
        memcpy(p->name, who->name.p, n);
    bucket_init(&p->bucket, person_rate(w), worker_now_ms(w));
    map_add(&w->persons, &p->node, map_hash_id(p->id));
    return p;
}

uint64_t person_spend(struct worker *w, struct person *p, unsigned cost)
{
    struct bucket_rate rate = person_rate(w);

    if (rate.rate == 0 || cost == 0)
        return 0;
    return bucket_take(&p->bucket, rate, worker_now_ms(w), cost * 100);
}

void person_served(struct worker *w, struct person *p, size_t n)
{
    struct bucket_rate rate = person_rate(w);
    uint64_t thousandths = (uint64_t)n * 100 / PERSON_BYTES;

    assert(p->id != 0);
    if (rate.rate > 0 && thousandths > 0)
        bucket_charge(&p->bucket, rate, worker_now_ms(w), thousandths);
}

void person_sweep(struct worker *w)
{
    struct bucket_rate rate = person_rate(w);
    struct map_iter it;

    for (struct map_node *n = map_first(&w->persons, &it); n != NULL; n = map_next(&it)) {
        struct person *p = CONTAINER_OF(n, struct person, node);

        if (p->conns != NULL)
            continue;
        if (rate.rate > 0 && !bucket_is_full(&p->bucket, rate, worker_now_ms(w)))
            continue;
        map_remove(&w->persons, n);
        person_free(w, p);
    }
}

void person_init(struct worker *w)
{
    map_init(&w->persons);
    pool_init(&w->person_pool, PERSON_SHORT);
}

void person_fini(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->persons, &it); n != NULL; n = map_next(&it))
        person_free(w, CONTAINER_OF(n, struct person, node));
    map_fini(&w->persons);
    pool_fini(&w->person_pool);
}
