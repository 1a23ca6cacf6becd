#include "chat/doorbell.h"

#include "base/str.h"
#include "base/varint.h"

enum { VERSION = 1 };

static void put(struct buf *b, uint64_t v)
{
    uint8_t *p = buf_reserve(b, varint_size(v));

    if (p != NULL)
        buf_commit(b, (size_t)(varint_put(p, v) - p));
}

unsigned doorbell_fits(uint64_t epoch, const struct str *entries, unsigned n, size_t max)
{
    size_t bytes = 1 + varint_size(epoch);
    unsigned i = 0;

    while (i < n) {
        bytes += varint_size(entries[i].n) + entries[i].n;
        if (bytes + varint_size(i + 1) > max)
            break;
        i++;
    }
    return i;
}

void doorbell_write(struct buf *b, uint64_t epoch, const struct str *entries, unsigned n)
{
    buf_append_byte(b, VERSION);
    put(b, epoch);
    put(b, n);
    for (unsigned i = 0; i < n && !b->failed; i++) {
        put(b, entries[i].n);
        buf_append(b, entries[i]);
    }
}

struct str doorbell_next(struct doorbell *d)
{
    uint64_t n = 0;
    struct str entry;
    bool whole = varint_get(&d->rest, &n) && n <= d->rest.n;

    assert(whole); /* doorbell_read has seen to it */
    entry = (struct str){d->rest.p, (size_t)n};
    d->rest = str_skip(d->rest, (size_t)n);
    return entry;
}

bool doorbell_read(struct str bytes, struct doorbell *ret)
{
    struct doorbell d = {.rest = bytes};
    struct str at;
    uint64_t n;

    if (bytes.n < 1 || bytes.p[0] != VERSION)
        return false;
    d.rest = str_skip(bytes, 1);
    if (!varint_get(&d.rest, &d.epoch) || !varint_get(&d.rest, &d.n) || d.epoch == 0 || d.n == 0)
        return false;
    at = d.rest;
    for (uint64_t i = 0; i < d.n; i++) {
        if (!varint_get(&at, &n) || n > at.n)
            return false;
        at = str_skip(at, (size_t)n);
    }
    if (at.n > 0)
        return false;
    *ret = d;
    return true;
}
