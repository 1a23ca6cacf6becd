/* own.h: what a person did on one device, told to all of their connections by an entry of their own
 * log, @<id>: whom they blocked, that they say something else of themselves. */
#ifndef CHAT_ROOM_OWN_H
#define CHAT_ROOM_OWN_H

#include "chat/room/room.h"

typedef void own_told_f(struct call *call);

/* Appends the entry, from the caller and under a cid of its own, to the caller's log. Then
 * told(call) runs; if it cannot be told, the call fails: what was done is done, and may be done
 * again. The entry is copied. */
void own_tell(struct owner *o, struct call *call, struct entry *e, own_told_f *told);

#endif
