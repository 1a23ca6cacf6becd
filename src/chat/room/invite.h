/* invite.h: entries in a person's own log, @<id>: a room to look at. The entry follows the room's
 * own under a cid derived from it, so that repeating it does no harm. */
#ifndef CHAT_ROOM_INVITE_H
#define CHAT_ROOM_INVITE_H

#include "chat/room/room.h"

/* Tells user of the room r, in which call->seq is the entry that concerns them, with the
 * role that a member_set gave them. Once that is stored, then(r, call) runs; if it
 * cannot be, the call fails. */
void invite_tell(struct room *r, struct call *call, uint64_t user, call_handler_f *then);

#endif
