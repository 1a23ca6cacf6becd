/* stamp.h: what a load generator's message says of itself: when it was due to
 * be sent, and which connection sent it. The rest of the text is filler.
 *
 *     ~ 12 hex digits: microseconds, 6 hex digits: publisher ~ filler */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include "base/base.h"

enum { STAMP_N = 20, STAMP_PUBLISHERS_MAX = 1 << 24 };
#define STAMP_MARK '~'

/* us is taken modulo 2^48; publisher < STAMP_PUBLISHERS_MAX. */
void stamp_write(uint8_t p[static STAMP_N], uint64_t us, uint32_t publisher);

/* False if s does not begin with a stamp. */
bool stamp_read(struct str s, uint64_t *ret_us, uint32_t *ret_publisher) MUST_CHECK;

#endif
