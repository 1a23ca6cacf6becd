#include "chat/room/tail.h"

#include <stdlib.h>

#define TAIL_MIN 1
/* Up to here it grows whatever the rate. */
#define TAIL_SMALL 64

void tail_init(struct tail *t, uint64_t head)
{
    *t = (struct tail){.first = head + 1, .last = head};
}

void tail_fini(struct tail *t)
{
    free(t->slots);
    free(t->buckets);
    *t = (struct tail){0};
}

static uint64_t *bucket_of(const struct tail *t, uint64_t from, uint64_t cid)
{
    assert(t->cap > 0);
    return &t->buckets[(cid ^ from * 0x9e3779b97f4a7c15u) & (t->cap - 1)];
}

static struct tail_slot *slot_of(const struct tail *t, uint64_t seq)
{
    return &t->slots[seq & (t->cap - 1)];
}

/* The slot of seq becomes its bucket's newest. */
static void link_slot(struct tail *t, uint64_t seq)
{
    struct tail_slot *s = slot_of(t, seq);
    uint64_t *bucket;

    s->older = 0;
    if (s->from == 0)
        return;
    bucket = bucket_of(t, s->from, s->cid);
    s->older = *bucket;
    *bucket = seq;
}

/* Twice the size; slots stay at seq & (cap - 1). */
static void tail_grow(struct tail *t)
{
    struct tail old = *t;

    assert(t->cap < TAIL_MAX);
    t->cap = old.cap == 0 ? TAIL_MIN : old.cap * 2;
    t->slots = malloc(t->cap * sizeof(*t->slots));
    t->buckets = calloc(t->cap, sizeof(*t->buckets));
    if (t->slots == NULL || t->buckets == NULL)
        abort();
    for (uint64_t seq = t->first; seq <= t->last; seq++) {
        *slot_of(t, seq) = *slot_of(&old, seq);
        link_slot(t, seq);
    }
    free(old.slots);
    free(old.buckets);
}

/* Is it worth more memory: is what would go still young? */
static bool wants_more(const struct tail *t, uint64_t now_ms)
{
    if (t->cap < TAIL_SMALL)
        return true;
    return t->cap < TAIL_MAX && slot_of(t, t->first)->ts_ms + TAIL_SPAN_MS > now_ms;
}

void tail_push(struct tail *t, const struct tail_slot *slot)
{
    bool full = t->last + 1 - t->first >= t->cap;

    if (full && wants_more(t, slot->ts_ms))
        tail_grow(t);
    else if (full)
        t->first++;
    t->last++;
    assert(t->last + 1 - t->first <= t->cap);
    *slot_of(t, t->last) = *slot;
    link_slot(t, t->last);
}

uint64_t tail_find(const struct tail *t, uint64_t after, uint64_t from, uint64_t cid,
                   const struct tail_slot **ret_slot)
{
    uint64_t low = after + 1 > t->first ? after + 1 : t->first, seq;

    if (t->cap == 0)
        return 0;
    for (seq = *bucket_of(t, from, cid); seq >= low && seq > 0; seq = slot_of(t, seq)->older) {
        const struct tail_slot *s = slot_of(t, seq);

        if (s->from != from || s->cid != cid)
            continue;
        *ret_slot = s;
        return seq;
    }
    return 0;
}
