#include "server/node/bucket.h"

static int64_t full(struct bucket_rate r)
{
    return (int64_t)(MAX(r.burst, r.rate) * 1000);
}

void bucket_init(struct bucket *b, struct bucket_rate r, uint64_t now_ms)
{
    *b = (struct bucket){.level = full(r), .filled_ms = (uint32_t)now_ms};
}

/* What has come in since. */
static void bucket_fill(struct bucket *b, struct bucket_rate r, uint64_t now_ms)
{
    uint32_t since = (uint32_t)now_ms - b->filled_ms;

    assert(b->level <= full(r));
    b->level = MIN(b->level + (int64_t)(since * r.rate), full(r));
    b->filled_ms = (uint32_t)now_ms;
}

uint64_t bucket_take(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t need)
{
    int64_t n = MIN((int64_t)need, full(r));

    assert(r.rate > 0);
    bucket_fill(b, r, now_ms);
    if (b->level < n)
        return ((uint64_t)(n - b->level) + r.rate - 1) / r.rate;
    b->level -= n;
    b->spent = (uint32_t)MIN((uint64_t)b->spent + (uint64_t)n, (uint64_t)UINT32_MAX);
    return 0;
}

void bucket_taken(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t n)
{
    int64_t least = -(int64_t)(r.rate * 1000 * BUCKET_DEBT_S);

    bucket_fill(b, r, now_ms);
    b->level = MAX(b->level - (int64_t)MIN(n, (uint64_t)UINT32_MAX), least);
}

void bucket_charge(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t n)
{
    bucket_taken(b, r, now_ms, n);
    b->spent = (uint32_t)MIN((uint64_t)b->spent + n, (uint64_t)UINT32_MAX);
}

void bucket_give_back(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t n)
{
    bucket_fill(b, r, now_ms);
    b->level = MIN(b->level + (int64_t)n, full(r));
    b->spent -= (uint32_t)MIN(n, (uint64_t)b->spent);
}

bool bucket_is_full(struct bucket *b, struct bucket_rate r, uint64_t now_ms)
{
    bucket_fill(b, r, now_ms);
    return b->level == full(r);
}

uint32_t bucket_tell(struct bucket *b, struct bucket_rate r, bool soon_forgotten)
{
    uint32_t n = b->spent;

    if (!soon_forgotten && (uint64_t)n * 4 <= r.rate * 1000)
        return 0;
    b->spent = 0;
    return n;
}
