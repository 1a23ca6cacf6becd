#include "base/entry.h"
#include "base/record.h"

#include <string.h>

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
    BYTES(data),      U64(thread),
    BYTES(mentions),  U64(append),
    BYTES(salt),      BYTES(text_hash),
    BYTES(trace),     BYTES(settings),
    BYTES(people),    {RECORD_BOOL, offsetof(struct entry, changed)},
    BYTES(act),       U64(act_before),
    U64(act_seq),     BYTES(bot),
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

bool entry_trace(const struct entry *e, struct trace *ret)
{
    if (e->trace.n != TRACE_ID_N + TRACE_SPAN_N)
        return false;
    *ret = (struct trace){.sampled = true};
    memcpy(ret->id, e->trace.p, TRACE_ID_N);
    memcpy(ret->span, e->trace.p + TRACE_ID_N, TRACE_SPAN_N);
    return true;
}

void entry_redact(struct entry *e)
{
    e->text = e->data = e->mentions = e->salt = (struct str){0};
    e->bot = e->bot.n > 0 ? STR("\n") : (struct str){0}; /* that it was a bot's stays */
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
