#include "base/wheel.h"

enum { DIGIT_BITS = 6, DIGIT_MASK = WHEEL_SLOTS - 1 };

static unsigned digit(uint64_t at_ms, unsigned level)
{
    return (unsigned)(at_ms >> (level * DIGIT_BITS)) & DIGIT_MASK;
}

/* The level of a timer whose time is after now. It stays the same until now
 * enters the timer's slot, since now can change no higher digit before that. */
static unsigned level_of(const struct wheel *w, uint64_t at_ms)
{
    return (63 - (unsigned)__builtin_clzll(at_ms ^ w->now_ms)) / DIGIT_BITS;
}

static void insert(struct wheel *w, struct wheel_timer *t)
{
    unsigned level, slot;

    if (t->at_ms <= w->now_ms) {
        list_push(&w->due, &t->node);
        return;
    }
    level = level_of(w, t->at_ms);
    slot = digit(t->at_ms, level);
    list_push(&w->slots[level][slot], &t->node);
    w->used[level] |= UINT64_C(1) << slot;
}

/* The first slot in use, and the time at which it begins. A lower level is
 * always earlier than a higher one. */
static bool first_slot(const struct wheel *w, unsigned *ret_level, uint64_t *ret_ms)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        unsigned shift = level * DIGIT_BITS;
        uint64_t slot;

        if (w->used[level] == 0)
            continue;
        slot = (uint64_t)__builtin_ctzll(w->used[level]);
        *ret_level = level;
        *ret_ms = ((w->now_ms >> shift & ~(uint64_t)DIGIT_MASK) | slot) << shift;
        return true;
    }
    return false;
}

static struct wheel_timer *timer_of(struct list *node)
{
    return CONTAINER_OF(node, struct wheel_timer, node);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    w->now_ms = now_ms;
    list_init(&w->due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        w->used[level] = 0;
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
    }
}

void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t at_ms)
{
    assert(t->fire != NULL);
    wheel_cancel(w, t);
    t->at_ms = at_ms;
    insert(w, t);
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
    unsigned level, slot;

    if (!wheel_armed(t))
        return;
    list_remove(&t->node);
    if (t->at_ms <= w->now_ms)
        return;
    level = level_of(w, t->at_ms);
    slot = digit(t->at_ms, level);
    if (list_empty(&w->slots[level][slot]))
        w->used[level] &= ~(UINT64_C(1) << slot);
}

uint64_t wheel_next_ms(const struct wheel *w)
{
    unsigned level;
    uint64_t at_ms;

    if (!list_empty(&w->due))
        return w->now_ms;
    return first_slot(w, &level, &at_ms) ? at_ms : UINT64_MAX;
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
    struct list firing, *node;
    unsigned level;
    uint64_t at_ms;

    while (first_slot(w, &level, &at_ms) && at_ms <= now_ms) {
        unsigned slot = digit(at_ms, level);
        struct list moving;

        list_init(&moving);
        list_splice(&moving, &w->slots[level][slot]);
        w->used[level] &= ~(UINT64_C(1) << slot);
        w->now_ms = at_ms;
        while ((node = list_pop(&moving)) != NULL)
            insert(w, timer_of(node));
    }
    w->now_ms = MAX(w->now_ms, now_ms);

    list_init(&firing);
    list_splice(&firing, &w->due);
    while ((node = list_pop(&firing)) != NULL)
        timer_of(node)->fire(timer_of(node));
}
