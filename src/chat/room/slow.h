/* slow.h: when somebody sent last in a room, for slow mode (chat/model/settings.h). The log alone
 * says it, by the messages' times: what is not in memory, after a restart or at another node, is
 * read once, backwards, as far as slow mode reaches, but no further than limits.search_max entries.
 * From then on each message that lands is noted. Those who have not sent for so long are
 * forgotten. */
#ifndef CHAT_ROOM_SLOW_H
#define CHAT_ROOM_SLOW_H

#include "chat/room/room.h"

/* Returns true if it is known who sent within the room's slow mode. If not, returns false, reads
 * it, and marks the room (room_mark) when that is done; what is queued fails if it cannot be. */
bool slow_is_known(struct room *r) MUST_CHECK;

/* Returns true while that is being read: nothing is appended meanwhile. */
bool slow_is_looking(const struct room *r);

/* Returns in how many ms the person may send again, where it is known; 0: now. */
uint64_t slow_wait_ms(const struct room *r, uint64_t user);

/* The entry has landed. */
void slow_note(struct room *r, const struct entry *e);

/* Frees it all. */
void slow_fini(struct room *r);

#endif
