/* pace.h: a fixed rate: when the k-th thing is due, whatever happened to those
 * before. Who is late takes the time that it was due, not the time that it was
 * done, so that a server that stalls is charged for what it held up. Pure. */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include "base/base.h"

struct pace {
    uint64_t start_us;
    uint64_t per_second; /* 0: nothing is ever due */
    uint64_t taken;
};

void pace_init(struct pace *p, uint64_t start_us, uint64_t per_second);

/* When the next one is due; UINT64_MAX if never. */
uint64_t pace_next_us(const struct pace *p);

/* Takes the next one if it is due by now_us. */
bool pace_take(struct pace *p, uint64_t now_us, uint64_t *ret_due_us) MUST_CHECK;

#endif
