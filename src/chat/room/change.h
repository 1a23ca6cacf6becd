/* change.h: edit, delete and react: entries that change what an earlier message reads as. Each
 * writes its entry and the message's merged state in one append (design: section 1, amendments), so
 * that a room's changes go one at a time: read the message and its state, merge, append, next.
 *
 * A deletion takes the text away wherever it is: from the message, from its state, and from the
 * entries of its edits, whose seqs the state keeps. Of a message that is edited more often than
 * CHANGE_EDITS_MAX, the oldest edit loses its text to each new one. */
#ifndef CHAT_ROOM_CHANGE_H
#define CHAT_ROOM_CHANGE_H

#include "chat/room/room.h"

/* What a deletion takes along fits one append. */
#define CHANGE_EDITS_MAX 64
#define CHANGE_AMENDS_MAX (CHANGE_EDITS_MAX + 1)

/* The handler of the three commands. */
void change_run(struct room *r, struct call *call);

/* A change's call has ended, and is answered: it is the next one's turn. */
void change_next(struct room *r);

#endif
