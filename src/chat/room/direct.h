/* direct.h: a direct room is on the lists of both its people before anything is said in it: who
 * took it off theirs has it back when the other writes, and is told of it in their own log.
 *
 * The owner looks at both lists once, and then knows until somebody leaves. Other nodes hear of
 * that by a cast on the room's topic, DIRECT_LEFT; the bus may lose it, so that what is known is
 * looked at again after a minute if there are other nodes. */
#ifndef CHAT_ROOM_DIRECT_H
#define CHAT_ROOM_DIRECT_H

#include "chat/room/room.h"

#define DIRECT_LEFT STR("\x03left")

/* Returns true if the direct room is on both lists. If it is not, or that is not known, returns
 * false, puts it there, and marks the room (room_mark) when that is done; what is queued fails if
 * it cannot be done. */
bool direct_listed(struct room *r) MUST_CHECK;

/* The call appended something: if it brought the room back onto the other's list, they
 * are told first. Then then(r, call) runs. */
void direct_tell(struct room *r, struct call *call, call_handler_f *then);

/* Somebody has taken the room off their list, here or at another node. */
void direct_left(struct room *r);

#endif
