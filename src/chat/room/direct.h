/* direct.h: a direct room is on the lists of all its people before anything is said in it: who
 * took it off theirs has it back when another writes, and is told of it in their own log.
 *
 * In one of two people nothing is appended while one of them blocks the other. In one of more
 * people it is; none is made with somebody who blocks its maker, or whom that one blocks.
 *
 * The owner looks at all lists, and at both blocks, once, and then knows until somebody leaves or
 * blocks. Other nodes hear of that by a cast on the room's topic, DIRECT_LEFT; the bus may lose it,
 * so that what is known is looked at again after a minute if there are other nodes. */
#ifndef CHAT_ROOM_DIRECT_H
#define CHAT_ROOM_DIRECT_H

#include "chat/room/room.h"

#define DIRECT_LEFT STR("\x03left")

/* Returns true if the direct room is on all lists. If it is not, or that is not known, returns
 * false, puts it there, and marks the room (room_mark) when that is done; what is queued fails if
 * it cannot be done. */
bool direct_listed(struct room *r) MUST_CHECK;

/* Does one of the two block the other? DIRECT_UNKNOWN: that is looked at, and the room marked
 * (room_mark) when it is known; what is queued fails if it cannot be. */
enum direct_block {
    DIRECT_FREE,
    DIRECT_BLOCKED,
    DIRECT_UNKNOWN,
};
enum direct_block direct_block(struct room *r) MUST_CHECK;

/* The same of a proposal in a room of any kind: CALL_APPEND, if nothing is in its way. */
enum call_proposal direct_propose(struct room *r, struct call *call) MUST_CHECK;

/* The call appended something: has it brought the room back onto somebody else's list? If so, they
 * are told, and then(r, call) runs, which asks again. */
bool direct_tells(struct room *r, struct call *call, call_handler_f *then) MUST_CHECK;

/* Somebody has taken the room off their list, or has blocked or no longer blocks the other, here or
 * at another node. */
void direct_left(struct room *r);

#endif
