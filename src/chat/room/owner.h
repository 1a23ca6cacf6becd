/* owner.h: the engine of a worker's rooms: brings them into memory, runs calls on them,
 * and hears what other nodes say of them. Above all that works on a room; what is below
 * it and needs it goes through room_engine and call_keeper, which are made here. */
#ifndef CHAT_ROOM_OWNER_H
#define CHAT_ROOM_OWNER_H

#include "chat/room/room.h"

/* Zeroes and sets up; the caller fills store, bus, home, wheel, ops, limits, hash_key before. */
void owner_init(struct owner *o, uint64_t seed);

/* Everything must have ended. */
void owner_fini(struct owner *o);

/* Puts what was proposed in this turn. Once, at the end of every turn. */
void owner_flush(struct owner *o);

/* Before the end: what is only in memory goes to the store. busy: something is still on its way. */
void owner_settle(struct owner *o);
bool owner_busy(const struct owner *o);

/* Runs call->handler, or the command's, on the room, once it is loaded. */
void owner_run(struct owner *o, struct str id, struct call *call);

/* A worker's last follower of the room went. */
void owner_unfollow(struct owner *o, struct str id, unsigned worker);

/* Says which of the worker's followers are in the room now (chat/room/presence.h). */
struct presence_person;
void owner_present(struct owner *o, struct str id, unsigned worker, unsigned n,
                   const struct presence_person *people);

/* Doorbells: another node wrote. */
void owner_heard(struct owner *o, const struct bus_event *event);

/* A worker has followers from now on. */
void owner_follow(struct room *r, unsigned worker);

/* If the caller was told of seq by a node that knows more than this one, looks, runs the call's
 * handler again, at most once for each call, and returns true. */
bool owner_is_ahead(struct room *r, struct call *call, uint64_t seq) MUST_CHECK;

#endif
