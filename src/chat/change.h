/* change.h: edit, delete and react: entries that change what an earlier message
 * reads as. Each writes its entry and the message's merged state in one append
 * (design: section 1, amendments), so that a room's changes go one at a time:
 * read the message and its state, merge, append, next. */
#ifndef CHAT_CHANGE_H
#define CHAT_CHANGE_H

#include "chat/room.h"

/* The handler of the three commands. */
void change_run(struct room *r, struct call *call);

/* A change's call ended: the next one's turn. */
void change_ended(struct room *r, struct call *call);

#endif
