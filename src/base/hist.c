#include "base/hist.h"

#include <string.h>

/* Values below 2 * SUB have a bucket each; above, a power of two has SUB. */
enum { SUB_BITS = 7, SUB = 1 << SUB_BITS };

/* 0.07 * 100 is a little more than 7. */
#define ROUNDING 1e-12

static size_t bucket_of(uint64_t v)
{
    unsigned top = 63 - (unsigned)__builtin_clzll(v | SUB);
    unsigned shift = top - SUB_BITS;

    return (size_t)shift * SUB + (size_t)(v >> shift);
}

/* The greatest value in the bucket at i. */
static uint64_t bucket_top(size_t i)
{
    size_t shift = i < 2 * SUB ? 0 : i / SUB - 1;
    uint64_t first = (uint64_t)(i - shift * SUB) << shift;

    return first + ((UINT64_C(1) << shift) - 1);
}

void hist_init(struct hist *h)
{
    memset(h, 0, sizeof(*h));
}

void hist_add(struct hist *h, uint64_t v, uint64_t n)
{
    if (n == 0)
        return;
    h->counts[bucket_of(v)] += n;
    h->n += n;
    h->max = MAX(h->max, v);
    h->sum += (double)v * (double)n;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
    double want = q * (double)h->n * (1 - ROUNDING);
    uint64_t seen = 0;

    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        seen += h->counts[i];
        if (h->counts[i] > 0 && (double)seen >= want)
            return MIN(bucket_top(i), h->max);
    }
    return h->max;
}

uint64_t hist_max(const struct hist *h)
{
    return h->max;
}

double hist_mean(const struct hist *h)
{
    return h->n == 0 ? 0 : h->sum / (double)h->n;
}
