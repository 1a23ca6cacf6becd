/* listed.h: what the directory of public rooms has of one (chat/room/listing.h writes it,
 * chat/people/directory.h reads it): u8 version, then fields as base/entry.h has them.
 *
 *   no. form  field         no. form  field        no. form  field
 *    1   0    at             4   1    icon           7   0    gone (1)
 *    2   1    title          5   0    messages
 *    3   1    topic          6   0    active_ms
 *
 * A new field takes the next number. Pure. */
#ifndef CHAT_MODEL_LISTED_H
#define CHAT_MODEL_LISTED_H

#include "base/base.h"
#include "base/buf.h"

struct listed {
    uint64_t at; /* the seq that all this is of */
    struct str title, topic, icon;
    uint64_t messages, active_ms; /* how many there were then, and when the last entry came */
    bool gone;                    /* archived or deleted: it is not to be found */
    struct str unknown;
};

/* Appends the bytes; failure is b's. */
void listed_encode(const struct listed *l, struct buf *b);

/* Strings are borrowed from bytes. */
bool listed_decode(struct str bytes, struct listed *ret) MUST_CHECK;

#endif
