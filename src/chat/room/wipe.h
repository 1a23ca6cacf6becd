/* wipe.h: a deleted room's content goes. The entry that deletes it (chat/model/settings.h, deleted)
 * comes first: from then on nobody reads anything of it. Then, step by step, entries of the log
 * lose what people said, and messages their states: each step is one append, whose entry says up
 * to where the log is wiped, so that a step is done or not, whatever crashes.
 *
 *   room_delete --record `deleting`, then the entry--> step --...--> step: wiped up to its head
 *                     ^                                 |                    --> record gone
 *                     +-- a node starts, or the room is loaded --------------+
 *
 * The log stays, of entries without content: its id is never used again. */
#ifndef CHAT_ROOM_WIPE_H
#define CHAT_ROOM_WIPE_H

#include "chat/room/room.h"

/* Goes on with the room, if it is deleted and not wiped yet. The room is loaded. Harmless while it
 * is under way. */
void wipe_on(struct room *r);

/* Finds rooms whose wiping ended with a process, and goes on with them. Once, after the start. */
void wipe_start(struct owner *o);

#endif
