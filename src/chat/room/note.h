/* note.h: an entry that one room's owner has appended to another log: to a person's own, or to that
 * of moderators. Whoever repeats a note under the same cid, from the same person, appends it once:
 * the newest entries of that log are looked through. */
#ifndef CHAT_ROOM_NOTE_H
#define CHAT_ROOM_NOTE_H

#include "chat/room/room.h"

struct note;
typedef void note_done_f(struct note *n);

/* Embedded in the caller's object, or in what it allocates: who sets done. */
struct note {
    note_done_f *done; /* once, on the owner's loop, perhaps within note_send */

    enum error_code ret_error;
    /* Private. */
    struct owner *owner;
    struct call call;
    struct frame *bytes; /* the entry's, which call borrows from */
    char room[KEYS_ROOM_MAX];
};

/* Appends the entry, which has a cid and is copied, to the log `room`. */
void note_send(struct note *n, struct owner *o, struct str room, const struct entry *e);

#endif
