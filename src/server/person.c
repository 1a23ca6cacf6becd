#include "server/person.h"

#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

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

struct person *person_get(struct worker *w, const struct caller *who)
{
    struct person *p = person_find(w, who->user);
    size_t n = MIN(who->name.n, (size_t)UINT8_MAX);

    if (p != NULL)
        return p;
    p = calloc(1, MAX(offsetof(struct person, name) + n, sizeof(*p)));
    if (p == NULL)
        abort();
    p->id = who->user;
    p->name_n = (uint8_t)n;
    if (n > 0)
        memcpy(p->name, who->name.p, n);
    bucket_init(&p->bucket, person_rate(w), worker_now_ms(w));
    map_add(&w->persons, &p->node, map_hash_id(p->id));
    return p;
}

void person_add(struct person *p, struct conn *c)
{
    c->person = p;
    c->next_of_person = p->conns;
    p->conns = c;
}

void person_remove(struct worker *w, struct conn *c)
{
    struct conn **at = &c->person->conns;

    while (*at != c)
        at = &(*at)->next_of_person;
    *at = c->next_of_person;
    c->person = NULL;
    (void)w;
}

uint64_t person_spend(struct worker *w, struct person *p, unsigned cost)
{
    struct bucket_rate rate = person_rate(w);

    if (rate.rate == 0 || cost == 0)
        return 0;
    return bucket_take(&p->bucket, rate, worker_now_ms(w), cost * 100);
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
        free(p);
    }
}

void person_fini(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->persons, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct person, node));
    map_fini(&w->persons);
}
