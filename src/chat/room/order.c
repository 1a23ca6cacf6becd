#include "chat/room/order.h"

/* Which place of which map. */
struct order_key {
    const struct room *room;
    const void *source;
};

static uint64_t order_hash_of(const struct order_key *k)
{
    return map_hash_id((uint64_t)(uintptr_t)k->source >> 4 ^ (uint64_t)(uintptr_t)k->room << 8);
}

static struct call *call_at(const struct map_node *node)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct call, order.node);
}

static bool key_eq(const struct map_node *node, const void *key)
{
    const struct call *call = call_at(node);
    const struct order_key *k = key;

    return call->source == k->source && call->room == k->room;
}

/* The source's call of the room in the map, or NULL. */
static struct call *order_find(const struct map *m, const struct room *r, const void *source)
{
    struct order_key k = {r, source};
    struct map_node *n;

    if (source == NULL || map_n(m) == 0)
        return NULL;
    n = map_find(m, order_hash_of(&k), key_eq, &k);
    return n != NULL ? call_at(n) : NULL;
}

static void order_add(struct map *m, const struct room *r, struct call *call)
{
    struct order_key k = {r, call->source};

    assert(call->room == r && order_find(m, r, call->source) == NULL);
    map_add(m, &call->order.node, order_hash_of(&k));
}

void order_init(struct order *o)
{
    map_init(&o->preparing);
    map_init(&o->parked);
}

void order_fini(struct order *o)
{
    assert(map_n(&o->preparing) == 0 && map_n(&o->parked) == 0);
    map_fini(&o->preparing);
    map_fini(&o->parked);
}

static void wait_behind(struct call *first, struct call *call)
{
    assert(first->order.state == ORDER_PREPARING);
    call->next = NULL;
    *first->order.behind_end = call;
    first->order.behind_end = &call->next;
}

bool order_holds(struct room *r, struct call *call)
{
    struct call *first = order_find(&r->owner->order.preparing, r, call->source);

    assert(call->room == r);
    if (first == NULL || first == call || call->order.state != ORDER_OUT)
        return false;
    wait_behind(first, call);
    return true;
}

void order_prepares(struct room *r, struct call *call, bool whole)
{
    struct order_place *p = &call->order;

    assert(call->room == r);
    p->whole = whole;
    if (call->source == NULL || p->state != ORDER_OUT)
        return;
    p->state = ORDER_PREPARING;
    p->behind = NULL;
    p->behind_end = &p->behind;
    order_add(&r->owner->order.preparing, r, call);
}

void order_parks(struct room *r, struct call *call)
{
    struct order_place *p = &call->order;

    assert(call->room == r);
    if (call->source == NULL || p->state != ORDER_OUT)
        return;
    p->state = ORDER_PARKED;
    order_add(&r->owner->order.parked, r, call);
}

bool order_passes_over(const struct room *r, const struct call *call)
{
    assert(call->room == r);
    return order_find(&r->owner->order.parked, r, call->source) != NULL;
}

struct call *order_leave(struct room *r, struct call *call)
{
    struct order_place *p = &call->order;
    struct call *behind = NULL;

    assert(call->room == r);
    if (p->state == ORDER_PARKED) {
        map_remove(&r->owner->order.parked, &p->node);
        if (r->queue_n > 0)
            room_mark(r);
    } else if (p->state == ORDER_PREPARING) {
        map_remove(&r->owner->order.preparing, &p->node);
        behind = p->behind;
        p->behind = NULL;
    }
    p->state = ORDER_OUT;
    return behind;
}

/* The first that has to prepare something has the rest behind it. */
void order_run(struct room *r, struct call *first)
{
    if (first == NULL)
        return;
    room_hold(r);
    while (first != NULL) {
        struct call *next = first->next;

        r->owner->engine->run(r, first);
        first = next;
    }
    room_release(r);
}
