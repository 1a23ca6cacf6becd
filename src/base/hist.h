/* hist.h: how values are distributed, at a fixed cost: exact below 256, then
 * 128 buckets to each power of two, so that a quantile is at most 0.8 % too
 * high. All of 64 bits; 58 KiB. Not for sharing between threads: each keeps
 * its own, and they are merged. */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include "base/base.h"

enum { HIST_BUCKETS = 58 * 128 };

struct hist {
    uint64_t n, max;
    double sum;
    uint64_t counts[HIST_BUCKETS];
};

void hist_init(struct hist *h);

/* Adds the value v, n times. */
void hist_add(struct hist *h, uint64_t v, uint64_t n);

/* A value that a share q (0 to 1) of the values does not exceed: the top of
 * its bucket, but never above hist_max; q = 1 is hist_max. 0 if h is empty. */
uint64_t hist_quantile(const struct hist *h, double q);

/* 0 if h is empty. */
uint64_t hist_max(const struct hist *h);
double hist_mean(const struct hist *h);

#endif
