/* rng.h: repeatable pseudo-random numbers (xoshiro256**, Blackman and Vigna,
 * 2018) for simulations, jitter and tests. Not for secrets. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/base.h"

struct rng {
    uint64_t s[4];
};

/* Any seed is good, 0 too. */
void rng_init(struct rng *r, uint64_t seed);

uint64_t rng_u64(struct rng *r);

/* 0 .. n-1, without bias; n is not 0. */
uint64_t rng_below(struct rng *r, uint64_t n);

/* True in per_mille of 1000 cases. */
bool rng_chance(struct rng *r, unsigned per_mille);

#endif
