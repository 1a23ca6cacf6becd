#include "bench/pace.h"

#define US_PER_S 1000000ull

void pace_init(struct pace *p, uint64_t start_us, uint64_t per_second)
{
    *p = (struct pace){.start_us = start_us, .per_second = per_second};
}

uint64_t pace_next_us(const struct pace *p)
{
    uint64_t whole, rest;

    if (p->per_second == 0)
        return UINT64_MAX;
    whole = p->taken / p->per_second;
    rest = p->taken % p->per_second;
    return p->start_us + whole * US_PER_S + rest * US_PER_S / p->per_second;
}

bool pace_take(struct pace *p, uint64_t now_us, uint64_t *ret_due_us)
{
    uint64_t due = pace_next_us(p);

    if (due > now_us)
        return false;
    p->taken++;
    *ret_due_us = due;
    return true;
}
