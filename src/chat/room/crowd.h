/* crowd.h: the casts by which nodes tell each other who is in a room, on the room's topic. A
 * cast's first byte is one that no event for clients begins with.
 *
 *   mark  version  flags  n   user length name   user length name ...
 *
 * Numbers but the first three are varints. Another node may run another version of the program:
 * a cast that is not exactly this, or of another version, is ignored. */
#ifndef CHAT_ROOM_CROWD_H
#define CHAT_ROOM_CROWD_H

#include "base/buf.h"
#include "chat/room/presence.h"

struct crowd {
    uint64_t n;
    bool listed;     /* the people follow in the cast; else they are only counted */
    bool asks;       /* the other nodes are to tell of their people */
    struct str rest; /* the people not yet taken */
};

/* Returns true if the cast is one between nodes, not an event for clients. */
bool crowd_is(struct str cast);

/* Appends the head of a cast; crowd_add then appends each of n people, if they are listed. */
void crowd_begin(struct buf *b, uint64_t n, bool listed, bool asks);
void crowd_add(struct buf *b, const struct presence_person *person);

/* Reads a cast, from which *ret borrows. Returns false if the cast is to be ignored. */
bool crowd_read(struct str cast, struct crowd *ret) MUST_CHECK;

/* Returns the next person; to be called at most n times, and only of a cast with listed people. */
struct presence_person crowd_next(struct crowd *c);

#endif
