/* crowd.h: what a node tells the others of who is in a room, as a cast on the
 * room's topic. It begins with a byte that no event for clients begins with.
 *
 *   mark  version  flags  n   user length name   user length name ...
 *
 * Numbers but the first three are varints. Another program writes it: what is not
 * exactly this, or of another version, is ignored. */
#ifndef CHAT_CROWD_H
#define CHAT_CROWD_H

#include "base/buf.h"
#include "chat/presence.h"

struct crowd {
    uint64_t n;
    bool listed;     /* the people follow; else they are only counted */
    bool asks;       /* the others are to tell of theirs */
    struct str rest; /* the people not yet taken */
};

/* Is the cast one between nodes, not for clients? */
bool crowd_is(struct str cast);

/* Appends the head; then, if it is listed, each of n people by crowd_add. */
void crowd_begin(struct buf *b, uint64_t n, bool listed, bool asks);
void crowd_add(struct buf *b, const struct presence_person *person);

/* Borrows from cast. False if it is not understood. */
bool crowd_read(struct str cast, struct crowd *ret) MUST_CHECK;

/* The next person, n times after crowd_read said that they are listed. */
struct presence_person crowd_next(struct crowd *c);

#endif
