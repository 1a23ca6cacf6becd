/* append.h: how proposals become entries: they wait in the room's queue, and
 * everything that waits goes to the store as one batch, one batch in flight per
 * room. Each is checked when the batch is formed, against a log that nothing
 * else is being added to, and again if the store says that the log has moved. */
#ifndef CHAT_ROOM_APPEND_H
#define CHAT_ROOM_APPEND_H

#include "chat/room/room.h"

/* Queues the call: call->propose is asked when its turn comes and either fills
 * call->entry (ts and count are set here) or ends the call; call->appended is
 * told once it is durable, and ends the call. */
void append_propose(struct room *r, struct call *call);

/* Forms and submits the next batch, if none is in flight. */
void append_pump(struct room *r);

/* Fails what waits. */
void append_fail_all(struct room *r, enum store_result result);

/* Returns true if a message of that person with that cid is in the batch being formed. */
bool append_forming(const struct room *r, uint64_t user, uint64_t cid_hash);

/* The seq that the entry being proposed will have. */
uint64_t append_next_seq(const struct room *r);

#endif
