/* invite.h: entries in a person's own log, @<id>: a room to look at, or how they like to see one.
 * The first follows the room's own under a cid derived from it, so that repeating it does no harm.
 */
#ifndef CHAT_ROOM_INVITE_H
#define CHAT_ROOM_INVITE_H

#include "chat/room/room.h"

/* Tells user of the room r, in which call->seq is the entry that concerns them, with the
 * role that a member_set gave them. Once that is stored, then(r, call) runs; if it
 * cannot be, the call fails. */
void invite_tell(struct room *r, struct call *call, uint64_t user, call_handler_f *then);

/* Tells the caller's connections how they like to see the room: the value of a record
 * (chat/model/pref.h), which call->q has put. Then then(r, call) runs; if it cannot be told, the
 * call fails. */
void invite_pref(struct room *r, struct call *call, struct str pref, call_handler_f *then);

#endif
