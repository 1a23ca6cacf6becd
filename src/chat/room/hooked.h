/* hooked.h: messages of a room whose service is asked (chat/model/hook.h) before they are queued
 * to be appended.
 *
 *   send, edit --hooked_asks--> [ the room's line: a few asked at once ] --answer, and all before
 * it answered--> run again --> queued, by the order in which they came
 *
 * Later messages of the room wait in the line. Nothing else does: no other room, and of this one
 * no reaction, deletion or change of a role, but by whom a message in the line comes, over the same
 * connection. What waits for longer than the service may take has failed, and so has what was not
 * asked about yet when the owner settles. */
#ifndef CHAT_ROOM_HOOKED_H
#define CHAT_ROOM_HOOKED_H

#include "chat/room/room.h"

enum {
    HOOKED_ASKED_MAX = 4,  /* of one room, at once */
    HOOKED_LINE_MAX = 256, /* of one room, asked or not */
};

/* Returns true if the call waits for the service, or was refused: its handler runs again once the
 * message may go on, with call->hooked set. False: the message goes on. */
bool hooked_asks(struct room *r, struct call *call) MUST_CHECK;

#endif
