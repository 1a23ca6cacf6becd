#include "base/buf.h"

#include "base/varint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_CAP_MIN 256
#define U64_DIGITS_MAX 20

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    free(b->bytes);
    buf_init(b, b->max);
}

/* Storage of at least n bytes, not above the bound by more than doubling. */
static bool buf_grow(struct buf *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : BUF_CAP_MIN;
    uint8_t *bytes;

    while (cap < n)
        cap *= 2;
    bytes = realloc(b->bytes, cap);
    if (bytes == NULL)
        return false;
    b->bytes = bytes;
    b->cap = cap;
    return true;
}

uint8_t *buf_more(struct buf *b, size_t n)
{
    size_t used = buf_len(b);

    if (b->failed || n > b->max - used) {
        b->failed = true;
        return NULL;
    }
    if (n > b->cap - b->wpos && b->rpos > 0) {
        memmove(b->bytes, b->bytes + b->rpos, used);
        b->rpos = 0;
        b->wpos = used;
    }
    if (n > b->cap - b->wpos && !buf_grow(b, used + n)) {
        b->failed = true;
        return NULL;
    }
    return b->bytes + b->wpos;
}

void buf_append(struct buf *b, struct str s)
{
    uint8_t *to;

    if (s.n == 0)
        return;
    to = buf_reserve(b, s.n);
    if (to == NULL)
        return;
    memcpy(to, s.p, s.n);
    buf_commit(b, s.n);
}

void buf_append_byte(struct buf *b, uint8_t byte)
{
    buf_append(b, (struct str){&byte, 1});
}

void buf_append_u64(struct buf *b, uint64_t v)
{
    uint8_t digits[U64_DIGITS_MAX];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    buf_append(b, (struct str){digits + at, sizeof(digits) - at});
}

void buf_append_varint(struct buf *b, uint64_t v)
{
    uint8_t *to = buf_reserve(b, varint_size(v));

    if (to != NULL)
        buf_commit(b, (size_t)(varint_put(to, v) - to));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    uint8_t *to;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
        return;
    }
    to = buf_reserve(b, (size_t)n + 1);
    if (to == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf((char *)to, (size_t)n + 1, fmt, args);
    va_end(args);
    buf_commit(b, (size_t)n);
}

struct str buf_peek(const struct buf *b)
{
    if (b->bytes == NULL)
        return (struct str){0};
    return (struct str){b->bytes + b->rpos, buf_len(b)};
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= buf_len(b));
    b->rpos += n;
    if (b->rpos == b->wpos)
        b->rpos = b->wpos = 0;
}

void buf_truncate(struct buf *b, size_t n)
{
    assert(n <= buf_len(b));
    b->wpos = b->rpos + n;
}

void buf_clear(struct buf *b)
{
    b->rpos = b->wpos = 0;
    b->failed = false;
}

struct str buf_turn(struct buf *sending, struct buf *queued)
{
    struct buf empty = *sending;

    if (buf_len(&empty) == 0) {
        *sending = *queued;
        *queued = empty;
        buf_clear(queued);
    }
    return buf_peek(sending);
}
