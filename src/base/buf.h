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

/* Appends the decimal digits of v; v as a varint (base/varint.h). */
void buf_append_u64(struct buf *b, uint64_t v);
void buf_append_varint(struct buf *b, uint64_t v);

/* Room for n more bytes to be written at the result, which buf_commit then
 * makes readable; NULL and b->failed as for buf_append. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n) MUST_CHECK;
static inline void buf_commit(struct buf *b, size_t n)
{
    assert(n <= b->cap - b->wpos);
    b->wpos += n;
}

/* The readable bytes. Valid until the next call that takes a non-const b. */
struct str buf_peek(const struct buf *b);
static inline size_t buf_len(const struct buf *b)
{
    return b->wpos - b->rpos;
}

/* Private: of buf_reserve, when the storage is moved or grows. */
uint8_t *buf_more(struct buf *b, size_t n) MUST_CHECK;

static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
    if (!b->failed && n <= b->cap - b->wpos && n <= b->max - buf_len(b))
        return b->bytes + b->wpos;
    return buf_more(b, n);
}

/* Drops the first n readable bytes; n must not exceed what is readable. */
void buf_consume(struct buf *b, size_t n);

/* Keeps the first n readable bytes, which there are, and drops the others. */
void buf_truncate(struct buf *b, size_t n);

/* Empties b and forgets `failed`; keeps the storage. */
void buf_clear(struct buf *b);

/* What is to be sent next: what is left of `sending`, or all that is queued, which becomes
 * `sending`; its storage becomes the queue's. */
struct str buf_turn(struct buf *sending, struct buf *queued);

#endif
