/* wheel.h: timers in a hierarchical wheel: add and cancel in O(1), at a
 * resolution of 1 ms over all of 64 bits.
 *
 * A timer's level is the highest 6-bit digit in which its time differs from
 * now; its slot there is that digit of its time:
 *
 *   now   … 3 17 42        at 3 17 50 -> level 0, slot 50
 *                          at 3 20 07 -> level 1, slot 20
 *
 * When now enters a slot above level 0, its timers move down. Times are the
 * caller's milliseconds of any clock that does not go back. Neither copied
 * nor moved once initialised; 11 KiB. */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/base.h"
#include "base/list.h"

enum { WHEEL_LEVELS = 11, WHEEL_SLOTS = 64 };

/* Embedded in the caller's object: zeroed, then fire is set. It must be
 * cancelled before it is freed. */
struct wheel_timer {
    struct list node;
    uint64_t at_ms;
    void (*fire)(struct wheel_timer *t);
};

struct wheel {
    uint64_t now_ms;
    struct list due; /* at_ms <= now_ms: set for the past */
    uint64_t used[WHEEL_LEVELS];
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now_ms);

/* Arms t, or moves it if it is armed. A time that has passed is due at the
 * next wheel_advance, never within this call. */
void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t at_ms);

/* Disarms t; harmless if it is not armed. */
void wheel_cancel(struct wheel *w, struct wheel_timer *t);

static inline bool wheel_armed(const struct wheel_timer *t)
{
    return t->node.next != NULL && t->node.next != &t->node;
}

/* How long the caller may sleep: a time not after the earliest timer, and
 * exact within the current 64 ms; UINT64_MAX if none is armed. */
uint64_t wheel_next_ms(const struct wheel *w);

/* Moves now to now_ms (never back) and fires all that is due, in order of
 * time: first those that were set for the past, in the order of setting. A
 * fired timer is disarmed before its callback, which may set, cancel or free
 * any timer; one that it sets for now or earlier fires in the next advance.
 * Not to be called from a callback. */
void wheel_advance(struct wheel *w, uint64_t now_ms);

#endif
