#include "store/store_sqlite_block.h"

#include "base/varint.h"

#include <string.h>

#define VERSION 1

static uint8_t *put_head(uint8_t *p, unsigned n)
{
    *p++ = VERSION;
    return varint_put(p, n);
}

static uint8_t *put_bytes(uint8_t *p, struct str s)
{
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static size_t entry_size(struct str entry)
{
    return varint_size(entry.n) + entry.n;
}

struct frame *store_sqlite_block_make(const struct str *entries, unsigned n)
{
    size_t size = 1 + varint_size(n);
    struct frame *f;
    uint8_t *p;

    for (unsigned i = 0; i < n; i++)
        size += entry_size(entries[i]);
    f = frame_new(size);
    p = put_head(f->bytes, n);
    for (unsigned i = 0; i < n; i++)
        p = put_bytes(varint_put(p, entries[i].n), entries[i]);
    assert(p == f->bytes + f->n);
    return f;
}

bool store_sqlite_block_open(struct str bytes, struct store_sqlite_block *ret)
{
    struct str rest, entry;
    uint64_t n;

    if (bytes.n < 3 || bytes.p[0] != VERSION)
        return false;
    rest = (struct str){bytes.p + 1, bytes.n - 1};
    if (!varint_get(&rest, &n) || n == 0 || n > rest.n)
        return false;
    *ret = (struct store_sqlite_block){rest, (unsigned)n};
    for (; n > 0; n--)
        if (!varint_take(&rest, &entry))
            return false;
    return rest.n == 0;
}

bool store_sqlite_block_next(struct store_sqlite_block *b, struct str *ret_entry)
{
    if (b->n == 0 || !varint_take(&b->rest, ret_entry))
        return false;
    b->n--;
    return true;
}

struct frame *store_sqlite_block_replace(struct store_sqlite_block b, unsigned at, struct str entry)
{
    unsigned n = b.n;
    struct str all = b.rest, before, old;
    struct frame *f;
    uint8_t *p;
    bool ok = true;

    assert(at < n);
    for (unsigned i = 0; i < at && ok; i++)
        ok = store_sqlite_block_next(&b, &old);
    before = (struct str){all.p, all.n - b.rest.n};
    ok = ok && store_sqlite_block_next(&b, &old);
    assert(ok);
    f = frame_new(1 + varint_size(n) + before.n + entry_size(entry) + b.rest.n);
    p = put_bytes(put_head(f->bytes, n), before);
    p = put_bytes(varint_put(p, entry.n), entry);
    put_bytes(p, b.rest);
    return f;
}
