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
 *   19   1    data          21   1    mentions        23   1    salt
 *   20   0    thread        22   0    append          24   1    text_hash
 *
 *   25   1    trace         26   1    settings      27   1    people
 *
 *   28   0    changed (1)   29   1    act           30   0    act_before
 *
 *   31   0    act_seq       32   1    bot
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
#include "base/trace.h"

enum { ENTRY_VERSION = 1 };

enum entry_kind {
    ENTRY_MESSAGE = 1,
    ENTRY_EDIT = 2,
    ENTRY_DELETE = 3,
    ENTRY_REACT = 4,
    ENTRY_ROOM = 5,   /* created or changed: title, room_kind, settings */
    ENTRY_MEMBER = 6, /* role or membership of user_id changed */
    ENTRY_INVITE = 7, /* in a person's own log: a room to look at */
    ENTRY_PREF = 9,   /* in a person's own log: how they like to see a room, in text */
    ENTRY_LOST = 8,   /* what the store has lost: nothing but its place is known. Without a
                         ts_ms it was not put there by a repair: the store has nothing */
    ENTRY_ACT = 10,   /* in the log of a room's moderators, of the server's owner, or in a person's
                         own log: an act of moderation (chat/model/act.h) */
    ENTRY_PURGE = 11, /* all messages of user_id up to the seq `target` go (chat/room/purge.h) */
    ENTRY_BLOCK = 12, /* in a person's own log: whether they have blocked user_id, in on */
    ENTRY_PROFILE = 13, /* in a person's own log: they say something else of themselves */
};

struct entry {
    uint8_t version; /* 0 is written as ENTRY_VERSION */
    uint8_t kind;    /* enum entry_kind, or one not known yet */
    bool on;
    bool changed; /* the text is not what its sender sent: words are masked, or a hook changed it */
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
    /* Reserved: no command writes these yet. */
    struct str data;      /* of the sender's application: a JSON object */
    uint64_t thread;      /* the seq of the message that the thread is under */
    struct str mentions;  /* the ids of people, as varints, ascending */
    uint64_t append;      /* which piece of the target's text this text is, from 1 */
    struct str salt;      /* text_hash is of the salt, then the text */
    struct str text_hash; /* what proves the text of an entry whose hash somebody kept */
    struct str trace;     /* of what appended it, if that is traced: the trace's id, the span's */
    struct str settings;  /* of the room (chat/model/settings.h) */
    struct str people;    /* whose a direct room is (chat/model/group.h) */
    struct str act;       /* the entry is an act of moderation, or tells of one: which */
    uint64_t act_before;  /* of an act in a room's log: the seq of the act before it; 0: none */
    uint64_t act_seq;     /* of ENTRY_ACT: the act's seq in the room's log; 0: it has none there */
    struct str bot;       /* a bot's message: its name and picture (chat/model/guise.h) */
    struct str unknown;   /* fields with numbers above 32, as they were read */
};

enum entry_result { ENTRY_OK, ENTRY_BAD };

/* How many bytes entry_encode appends. */
size_t entry_size(const struct entry *e);

/* Appends e; failure is b's. */
void entry_encode(const struct entry *e, struct buf *b);

/* Returns true if e was appended by something that is traced, and which span that was. */
bool entry_trace(const struct entry *e, struct trace *ret) MUST_CHECK;

/* Takes out of e what its sender said: what is left is kept once that is deleted. The
 * salt goes with the text, so that nobody can try texts against the hash. */
void entry_redact(struct entry *e);

/* Strings are borrowed from bytes. ENTRY_BAD if it is not exactly one entry. */
enum entry_result entry_decode(struct str bytes, struct entry *ret) MUST_CHECK;

#endif
