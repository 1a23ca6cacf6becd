/* invite.h: entries in a person's own log, @<id>: a room to look at. The entry
 * follows the room's own under a cid derived from it, so that repeating it does
 * no harm. */
#ifndef CHAT_INVITE_H
#define CHAT_INVITE_H

#include "chat/room.h"

/* Tells user of the room r, in which seq is the entry that concerns them.
 * Nobody waits for it. */
void invite_send(struct room *r, uint64_t user, const struct caller *from, uint64_t seq);

#endif
