/* buf.h: a growable queue of bytes with a hard upper bound.
 *
 *   0 .. rpos     consumed
 *   rpos .. wpos  readable
 *   wpos .. cap   writable without growing
 *
 * A failed append is remembered in `failed`, so that a run of appends is
 * checked once, at its end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
    uint8_t *bytes;
    size_t rpos, wpos, cap;
    size_t max;
    bool failed;
};

/* Starts empty and allocates nothing; never holds more than max bytes. */
void buf_init(struct buf *b, size_t max);

/* Releases the storage. Idempotent; b is empty and usable afterwards. */
void buf_fini(struct buf *b);

/* Appends a copy of s. Beyond max, or when memory is out: nothing is
 * appended, now and from then on, and b->failed is set. */
void buf_append(struct buf *b, struct str s);
void buf_append_byte(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Decimal digits of v. */
void buf_append_u64(struct buf *b, uint64_t v);

/* Room for n more bytes to be written at the result, which buf_commit then
 * makes readable; NULL and b->failed as for buf_append. */
uint8_t *buf_reserve(struct buf *b, size_t n) MUST_CHECK;
void buf_commit(struct buf *b, size_t n);

/* The readable bytes. Valid until the next call that takes a non-const b. */
struct str buf_peek(const struct buf *b);
static inline size_t buf_len(const struct buf *b)
{
    return b->wpos - b->rpos;
}

/* Drops the first n readable bytes; n must not exceed what is readable. */
void buf_consume(struct buf *b, size_t n);

/* Empties b and forgets `failed`; keeps the storage. */
void buf_clear(struct buf *b);

#endif
