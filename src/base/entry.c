#include "base/entry.h"
#include "base/record.h"

#define U64(member)                                \
    {                                              \
        RECORD_U64, offsetof(struct entry, member) \
    }
#define BYTES(member)                              \
    {                                              \
        RECORD_STR, offsetof(struct entry, member) \
    }

enum { HEAD_N = 2 };

static const struct record_field fields[] = {
    U64(count),       U64(ts_ms),
    U64(from_id),     BYTES(from_name),
    BYTES(cid),       BYTES(text),
    U64(target),      U64(reply_to),
    BYTES(emoji),     {RECORD_BOOL, offsetof(struct entry, on)},
    U64(user_id),     BYTES(user_name),
    BYTES(role),      BYTES(title),
    BYTES(room_kind), BYTES(room),
    U64(until_ms),    BYTES(redacts),
};

static const struct record_table table = {
    .fields = fields, .n = COUNTOF(fields), .unknown_offset = offsetof(struct entry, unknown)};

size_t entry_size(const struct entry *e)
{
    return HEAD_N + record_size(&table, e);
}

void entry_encode(const struct entry *e, struct buf *b)
{
    buf_append_byte(b, e->version > 0 ? e->version : ENTRY_VERSION);
    buf_append_byte(b, e->kind);
    record_encode(&table, e, b);
}

enum entry_result entry_decode(struct str bytes, struct entry *ret)
{
    struct entry e = {0};

    if (bytes.n < HEAD_N || bytes.p[0] == 0)
        return ENTRY_BAD;
    e.version = bytes.p[0];
    e.kind = bytes.p[1];
    if (!record_decode(&table, (struct str){bytes.p + HEAD_N, bytes.n - HEAD_N}, &e))
        return ENTRY_BAD;
    *ret = e;
    return ENTRY_OK;
}
