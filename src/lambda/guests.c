#include "lambda/guests.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"

#include <stdlib.h>

void guests_init(struct guests *g, const uint8_t key[static 16])
{
    map_init(&g->by_id);
    list_init(&g->recent);
    memcpy(g->key, key, sizeof(g->key));
}

static void guests_forget(struct guests *g, struct guest *guest)
{
    map_remove(&g->by_id, &guest->node);
    list_remove(&guest->recent);
    free(guest);
}

void guests_fini(struct guests *g)
{
    while (!list_empty(&g->recent))
        guests_forget(g, CONTAINER_OF(g->recent.next, struct guest, recent));
    map_fini(&g->by_id);
}

static bool guest_eq(const struct map_node *node, const void *key)
{
    const struct guest *guest =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct guest, node);
    const struct str *id = key;

    return str_eq((struct str){(const uint8_t *)guest->id, guest->id_n}, *id);
}

static struct guest *guests_get(struct guests *g, struct str id)
{
    struct map_node *n = map_find(&g->by_id, siphash(g->key, id), guest_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct guest, node) : NULL;
}

const struct guest *guests_find(struct guests *g, struct str id)
{
    struct guest *guest = guests_get(g, id);

    if (guest == NULL)
        return NULL;
    list_remove(&guest->recent);
    list_push(&g->recent, &guest->recent);
    return guest;
}

void guests_drop(struct guests *g, struct str id)
{
    struct guest *guest = guests_get(g, id);

    if (guest != NULL)
        guests_forget(g, guest);
}

const struct guest *guests_put(struct guests *g, struct str id, const struct caller *who,
                               unsigned flags)
{
    struct guest *guest = mem_zeroed(1, sizeof(*guest) + who->name.n);

    assert(id.n > 0 && id.n <= KEYS_CONN_MAX && who->user != 0);
    if (who->name.n > 0)
        memcpy(guest->name, who->name.p, who->name.n); /* perhaps of the one before */
    guest->who = *who;
    guest->who.name.p = (const uint8_t *)guest->name;
    guest->flags = flags;
    guest->id_n = (uint8_t)id.n;
    memcpy(guest->id, id.p, id.n);
    guests_drop(g, id);
    if (map_n(&g->by_id) >= GUESTS_MAX)
        guests_forget(g, CONTAINER_OF(g->recent.next, struct guest, recent));
    map_add(&g->by_id, &guest->node, siphash(g->key, id));
    list_init(&guest->recent);
    list_push(&g->recent, &guest->recent);
    return guest;
}
