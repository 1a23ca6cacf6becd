#include "chat/model/listed.h"

#include "base/record.h"

enum { VERSION = 1 };

static const struct record_field fields[] = {
    {RECORD_U64, offsetof(struct listed, at)},
    {RECORD_STR, offsetof(struct listed, title)},
    {RECORD_STR, offsetof(struct listed, topic)},
    {RECORD_STR, offsetof(struct listed, icon)},
    {RECORD_U64, offsetof(struct listed, messages)},
    {RECORD_U64, offsetof(struct listed, active_ms)},
    {RECORD_BOOL, offsetof(struct listed, gone)},
};

static const struct record_table table = {
    .fields = fields, .n = COUNTOF(fields), .unknown_offset = offsetof(struct listed, unknown)};

void listed_encode(const struct listed *l, struct buf *b)
{
    buf_append_byte(b, VERSION);
    record_encode(&table, l, b);
}

bool listed_decode(struct str bytes, struct listed *ret)
{
    struct listed l = {0};

    if (bytes.n == 0 || bytes.p[0] == 0 ||
        !record_decode(&table, (struct str){bytes.p + 1, bytes.n - 1}, &l))
        return false;
    *ret = l;
    return true;
}
