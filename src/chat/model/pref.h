/* pref.h: how a person likes to see a room: a record of theirs (chat/model/keys.h), of words with
 * spaces between, in any order; a word that is not known is another version's.
 *
 *   favourite        it stands above others
 *   muted            what is unread in it is not counted
 *   mentions, none   of what the person is to be notified; neither: of all
 *   hidden:<count>   it is not shown, or, of a direct room, until it has more messages than that
 *
 * A room that the person has chosen nothing of has no record. Pure. */
#ifndef CHAT_MODEL_PREF_H
#define CHAT_MODEL_PREF_H

#include "base/base.h"
#include "base/json.h"

#define PREF_BYTES_MAX 96

enum pref_notify {
    PREF_ALL,
    PREF_MENTIONS,
    PREF_NOTHING,
    PREF_UNKNOWN, /* no name of one */
};

struct pref {
    bool favourite, muted, hidden;
    enum pref_notify notify;
    uint64_t count; /* if hidden: messages that the room had */
};

/* Reads a record's value. */
struct pref pref_decode(struct str body);

/* Writes it; empty: nothing is chosen. */
struct str pref_encode(const struct pref *p, char buf[static PREF_BYTES_MAX]);

/* PREF_UNKNOWN unless it is all, mentions or none. */
enum pref_notify pref_notify_find(struct str name);

/* Appends the members of what is chosen. */
void pref_put(const struct pref *p, struct json_out *o);

#endif
