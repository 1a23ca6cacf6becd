#include "base/rng.h"

/* splitmix64 (Vigna, 2015): the seeding that xoshiro's authors recommend. */
static uint64_t seed_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

void rng_init(struct rng *r, uint64_t seed)
{
    for (size_t i = 0; i < COUNTOF(r->s); i++)
        r->s[i] = seed_next(&seed);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t result = rotate_left(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotate_left(r->s[3], 45);
    return result;
}

/* Lemire, "Fast random integer generation in an interval", 2019. */
uint64_t rng_below(struct rng *r, uint64_t n)
{
    unsigned __int128 wide;
    uint64_t skew;

    assert(n > 0);
    skew = -n % n;
    do
        wide = (unsigned __int128)rng_u64(r) * n;
    while ((uint64_t)wide < skew);
    return (uint64_t)(wide >> 64);
}

bool rng_chance(struct rng *r, unsigned per_mille)
{
    return rng_below(r, 1000) < per_mille;
}
