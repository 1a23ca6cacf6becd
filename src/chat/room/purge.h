/* purge.h: all that a person has said in a room goes, as a moderator wants it. One entry,
 * ENTRY_PURGE with an act, says whose messages, and up to which seq: from then on they are deleted
 * for whoever is shown that entry, reads the history, or wants to change them. Then, step by step,
 * their texts go from the store: each step is one append, whose entry, an ENTRY_PURGE without an
 * act, says up to where it is done, and names the entries that lost their texts (redacts), messages
 * first, as many as reply_to says. So a step is done or not, whatever crashes.
 *
 *   purge --record `deleting`, then the entry--> step --...--> step: done up to the entry's target
 *                  ^                               |                     --> record gone
 *                  +-- a node starts, or the room is loaded --+
 *
 * If the store fails, it goes on later (chat/room/again.h). A step that is too much for the store
 * is done in smaller ones. What is not done yet is part of the room's access record
 * (chat/model/access.h). */
#ifndef CHAT_ROOM_PURGE_H
#define CHAT_ROOM_PURGE_H

#include "chat/room/room.h"

/* Goes on with what is not done yet. The room is loaded. Harmless while it is under way. */
void purge_on(struct room *r);

#endif
