/* again.h: what is long and of nobody (chat/room/wipe.h, purge.h, retain.h) ended before it was
 * done, because the store failed, or because this node begins nothing long any more. Its step was
 * done or not; the rest of it goes on later, by room_engine.go_on:
 *
 *   the store failed --AGAIN_MS, then twice as long each time--> goes on
 *   settles -------------------- somebody asks for the room ---> goes on, if nothing settles then
 *
 * A room that is freed meanwhile goes on when it is loaded. */
#ifndef CHAT_ROOM_AGAIN_H
#define CHAT_ROOM_AGAIN_H

#include "chat/room/room.h"

#define AGAIN_MS 1000
#define AGAIN_MAX_MS 300000

/* It goes on later: the store failed; the node settles. */
void again_later(struct room *r);
void again_settled(struct room *r);

/* The store has done a step: what fails next waits AGAIN_MS. */
void again_worked(struct room *r);

/* Returns true if something was left and may go on now; it is taken for begun. */
bool again_takes(struct room *r) MUST_CHECK;

/* Returns true while it waits for the store. */
bool again_waits(const struct room *r);

void again_fini(struct room *r);

#endif
