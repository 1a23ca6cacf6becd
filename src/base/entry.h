/* entry.h: one entry of a room's log as it is stored. Its seq is not in it:
 * the store knows that by the place.
 *
 *   offset 0   version   u8, 1 or higher
 *          1   kind      u8
 *          2   fields, in ascending order of their number, each at most once:
 *                tag     u8, number * 2 + form, number 1..127
 *                form 0: value    varint (base/varint.h)
 *                form 1: length   varint, then that many bytes
 *
 *   no. form  field        no. form  field          no. form  field
 *    1   0    count         7   0    target         13   1    role
 *    2   0    ts_ms         8   0    reply_to       14   1    title
 *    3   0    from_id       9   1    emoji          15   1    room_kind
 *    4   1    from_name    10   0    on (1)         16   1    room
 *    5   1    cid          11   0    user_id        17   0    until_ms
 *    6   1    text         12   1    user_name       18   1    redacts
 *
 * A field that is 0, false or empty is left out, and in no other way can it
 * be written: whatever decodes encodes to the same bytes again. A new field
 * takes the next number, so that what an older program does not know is
 * always the tail of the record, which it keeps in `unknown`. Kinds and
 * versions that it does not know are decoded like the others. */
#ifndef BASE_ENTRY_H
#define BASE_ENTRY_H

#include "base/base.h"
#include "base/buf.h"

enum { ENTRY_VERSION = 1 };

enum entry_kind {
    ENTRY_MESSAGE = 1,
    ENTRY_EDIT = 2,
    ENTRY_DELETE = 3,
    ENTRY_REACT = 4,
    ENTRY_ROOM = 5,   /* created or changed: title, room_kind */
    ENTRY_MEMBER = 6, /* role or membership of user_id changed */
    ENTRY_INVITE = 7, /* in a person's own log: a room to look at */
};

struct entry {
    uint8_t version; /* 0 is written as ENTRY_VERSION */
    uint8_t kind;    /* enum entry_kind, or one not known yet */
    bool on;
    uint64_t count; /* messages in the room up to and with this one */
    uint64_t ts_ms;
    uint64_t from_id;
    struct str from_name;
    struct str cid;
    struct str text;
    uint64_t target;
    uint64_t reply_to;
    struct str emoji;
    uint64_t user_id;
    struct str user_name;
    struct str role;
    struct str title;
    struct str room_kind;
    struct str room;
    uint64_t until_ms;
    struct str redacts; /* entries, besides the target, whose texts went with this one: their
                           seqs as varints */
    struct str unknown; /* fields with numbers above 18, as they were read */
};

enum entry_result { ENTRY_OK, ENTRY_BAD };

/* How many bytes entry_encode appends. */
size_t entry_size(const struct entry *e);

/* Appends e; failure is b's. */
void entry_encode(const struct entry *e, struct buf *b);

/* Strings are borrowed from bytes. ENTRY_BAD if it is not exactly one entry. */
enum entry_result entry_decode(struct str bytes, struct entry *ret) MUST_CHECK;

#endif
