#include "chat/tail.h"

#include <stdlib.h>

#define TAIL_MIN 8

void tail_init(struct tail *t, uint64_t head)
{
    *t = (struct tail){.first = head + 1, .last = head};
}

void tail_fini(struct tail *t)
{
    free(t->slots);
    *t = (struct tail){0};
}

/* Twice the size; slots stay at seq & (cap - 1). */
static void grow(struct tail *t)
{
    unsigned cap = t->cap == 0 ? TAIL_MIN : t->cap * 2;
    struct tail_slot *slots = malloc(cap * sizeof(*slots));

    if (slots == NULL)
        abort();
    for (uint64_t seq = t->first; seq <= t->last; seq++)
        slots[seq & (cap - 1)] = t->slots[seq & (t->cap - 1)];
    free(t->slots);
    t->slots = slots;
    t->cap = cap;
}

void tail_push(struct tail *t, const struct tail_slot *slot)
{
    if (t->last + 1 - t->first >= t->cap && t->cap < TAIL_MAX)
        grow(t);
    if (t->last + 1 - t->first >= t->cap)
        t->first++;
    t->last++;
    t->slots[t->last & (t->cap - 1)] = *slot;
}

uint64_t tail_find(const struct tail *t, uint64_t after, uint64_t from, uint64_t cid,
                   const struct tail_slot **ret_slot)
{
    uint64_t low = after + 1 > t->first ? after + 1 : t->first;

    for (uint64_t seq = t->last; seq >= low && seq > 0; seq--) {
        const struct tail_slot *s = &t->slots[seq & (t->cap - 1)];

        if (s->from == from && s->cid == cid) {
            *ret_slot = s;
            return seq;
        }
    }
    return 0;
}
