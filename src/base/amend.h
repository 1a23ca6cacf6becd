/* amend.h: the merged state of one message: what edits, deletion and
 * reactions have made of it since it was sent.
 *
 * The record has the form of an entry (base/entry.h) without the kind:
 *
 *   offset 0   version   u8, 1 or higher
 *          1   fields    1 rev, 2 target, 3 deleted (1), 4 edited (1), 5 edited_ts_ms,
 *                        6 text (form 1), 7 reactions (form 1), 8 edits (form 1)
 *
 * and reactions is, for each emoji, in the order in which they first came:
 *
 *   varint n, n bytes     the emoji, not empty
 *   varint                how many people, 1 or more
 *   varint n, n bytes     their ids as varints, in the order of reacting, no one twice */
#ifndef BASE_AMEND_H
#define BASE_AMEND_H

#include "base/base.h"
#include "base/buf.h"

enum { AMEND_VERSION = 1 };

struct amend {
    uint8_t version; /* 0 is written as AMEND_VERSION */
    bool deleted;
    bool edited;
    uint64_t rev;    /* the seq of the last entry merged in */
    uint64_t target; /* the message's seq */
    uint64_t edited_ts_ms;
    struct str text;      /* if edited */
    struct str reactions; /* for amend_reaction_next */
    struct str edits;     /* whose texts are still in the log: their seqs as varints, ascending */
    struct str unknown;   /* later fields, as they were read */
};

enum amend_result { AMEND_OK, AMEND_BAD };

/* Appends a; failure is b's. */
void amend_encode(const struct amend *a, struct buf *b);

/* Strings are borrowed from bytes. AMEND_BAD if it is not exactly one amend. */
enum amend_result amend_decode(struct str bytes, struct amend *ret) MUST_CHECK;

struct amend_reaction {
    struct str emoji;
    uint64_t users_n;
    struct str users; /* for amend_user_next */
};

/* Takes the next reaction, the next person, from *rest, a copy of
 * amend.reactions or amend_reaction.users; false at the end. */
bool amend_reaction_next(struct str *rest, struct amend_reaction *ret);
bool amend_user_next(struct str *rest, uint64_t *ret_user_id);

struct amend_limits {
    unsigned emojis_max; /* different ones per message */
    unsigned users_max;  /* people per emoji */
};

/* Design §8's defaults. */
#define AMEND_LIMITS ((struct amend_limits){20, 1000})

/* Appends to out what old's reactions (NULL: none) become when user_id's
 * reaction with emoji is set (on) or taken away. Setting what is set, or
 * taking away what is not there, yields the same list. False, and nothing is
 * appended, past a limit or if emoji is empty. Failure of memory is out's. */
bool amend_react(const struct amend *old, struct str emoji, uint64_t user_id, bool on,
                 struct amend_limits limits, struct buf *out) MUST_CHECK;

#endif
