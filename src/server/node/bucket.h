/* bucket.h: a token bucket that several loops keep copies of. Each takes from its own
 * at once; now and then each tells what was taken from it, and the others take as
 * much from theirs, which may go below empty. So all of them come to what one would
 * be, a moment late. Pure; levels are in thousandths. */
#ifndef SERVER_NODE_BUCKET_H
#define SERVER_NODE_BUCKET_H

#include "base/base.h"

/* In a second, and at once; rate is not 0. */
struct bucket_rate {
    uint64_t rate, burst;
};

struct bucket {
    int64_t level;
    uint32_t filled_ms; /* when the level was right; wraps */
    uint32_t spent;     /* not yet told */
};

/* Full. */
void bucket_init(struct bucket *b, struct bucket_rate r, uint64_t now_ms);

/* Takes that many thousandths, at most the burst: 0, or after how many ms there will be enough. */
uint64_t bucket_take(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t need);

/* Takes them, whether there are enough or not. */
void bucket_charge(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t n);

/* Takes what was taken elsewhere. A bucket is in debt for BUCKET_DEBT_S at most. */
enum { BUCKET_DEBT_S = 30 };
void bucket_taken(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t n);

/* What was taken here is given back. */
void bucket_give_back(struct bucket *b, struct bucket_rate r, uint64_t now_ms, uint64_t n);

/* Returns true if nothing is missing: the bucket can be forgotten. */
bool bucket_is_full(struct bucket *b, struct bucket_rate r, uint64_t now_ms) MUST_CHECK;

/* What is to be told, if it is more than a quarter of what comes in within a second;
 * else 0, and it is kept for later, unless the bucket may be forgotten soon. */
uint32_t bucket_tell(struct bucket *b, struct bucket_rate r, bool soon_forgotten);

#endif
