#include "chat/model/doorbell.h"

#include "base/str.h"
#include "base/varint.h"

enum { VERSION = 1 };

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
    buf_append_varint(b, epoch);
    buf_append_varint(b, n);
    for (unsigned i = 0; i < n && !b->failed; i++) {
        buf_append_varint(b, entries[i].n);
        buf_append(b, entries[i]);
    }
}

struct str doorbell_next(struct doorbell *d)
{
    struct str entry;
    bool whole = varint_take(&d->rest, &entry);

    assert(whole); /* doorbell_read has seen to it */
    return entry;
}

bool doorbell_read(struct str bytes, struct doorbell *ret)
{
    struct doorbell d = {.rest = bytes};
    struct str at, entry;

    if (bytes.n < 1 || bytes.p[0] != VERSION)
        return false;
    d.rest = str_skip(bytes, 1);
    if (!varint_get(&d.rest, &d.epoch) || !varint_get(&d.rest, &d.n) || d.epoch == 0 || d.n == 0)
        return false;
    at = d.rest;
    for (uint64_t i = 0; i < d.n; i++)
        if (!varint_take(&at, &entry))
            return false;
    if (at.n > 0)
        return false;
    *ret = d;
    return true;
}
