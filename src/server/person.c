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

static uint32_t burst(const struct worker *w)
{
    const struct conf *c = w->server->conf;

    return (uint32_t)MAX(c->messages_burst, c->messages_per_user) * 1000;
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

    if (p != NULL) {
        p->super = p->super || who->super;
        return p;
    }
    p = calloc(1, MAX(offsetof(struct person, name) + n, sizeof(*p)));
    if (p == NULL)
        abort();
    p->id = who->user;
    p->super = who->super;
    p->name_n = (uint8_t)n;
    memcpy(p->name, who->name.p, n);
    p->filled_ms = (uint32_t)worker_now_ms(w);
    p->level = burst(w);
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

/* What has come in since. */
static void fill(struct worker *w, struct person *p)
{
    uint32_t now = (uint32_t)worker_now_ms(w);
    uint64_t rate = w->server->conf->messages_per_user;
    uint64_t level = p->level + (uint64_t)(now - p->filled_ms) * rate;

    p->level = (uint32_t)MIN(level, (uint64_t)burst(w));
    p->filled_ms = now;
}

uint64_t person_spend(struct worker *w, struct person *p, unsigned cost)
{
    uint64_t rate = w->server->conf->messages_per_user;
    uint32_t need = MIN(cost * 100, burst(w));

    if (rate == 0 || cost == 0)
        return 0;
    fill(w, p);
    if (p->level < need)
        return (need - p->level + rate - 1) / rate;
    p->level -= need;
    return 0;
}

void person_sweep(struct worker *w)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&w->persons, &it); n != NULL; n = map_next(&it)) {
        struct person *p = CONTAINER_OF(n, struct person, node);

        if (p->conns != NULL)
            continue;
        fill(w, p);
        if (w->server->conf->messages_per_user > 0 && p->level < burst(w))
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
