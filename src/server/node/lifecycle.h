/* lifecycle.h: where a node, and each of its workers, stands between its start and its end. Nothing
 * else says so; a move that is not drawn here is a bug and ends the process.
 *
 *   node     STARTING -> OPENING -> SERVING <-> MOVING -> LEAVING
 *               |           |        |  |                  ^  |
 *               |           |        |  +------------------+  |
 *               v           v        v                        v
 *               +-----------+--------+------------------> CLOSING -> SETTLED -> PARTING -> ENDED
 *
 *   worker   SERVING <-> MOVING             +---- once ----+
 *               |          |                v              |
 *               +----------+------------> CLOSING -> SAVING -> SETTLED -> ENDED
 *
 * A worker settles twice: what the last clients of another worker left with it may come after the
 * first time. server/run/server.c moves the node, server/conn/move.c and server/run/drain.c a
 * worker. */
#ifndef SERVER_NODE_LIFECYCLE_H
#define SERVER_NODE_LIFECYCLE_H

#include "base/base.h"

#include <stdatomic.h>

/* In the order in which a node comes to them. */
enum lifecycle_phase {
    LIFE_STARTING, /* reads the store */
    LIFE_OPENING,  /* waits for its addresses */
    LIFE_SERVING,
    LIFE_MOVING,  /* serves, and asks its clients to go to another node */
    LIFE_LEAVING, /* moves, and ends once the clients have gone or drain-ms is over */
    LIFE_CLOSING, /* takes nothing new, and closes every client */
    LIFE_SAVING,  /* what the clients left in memory is on its way to the store */
    LIFE_SETTLED, /* a worker: has nothing left to do; the node: each worker has settled once */
    LIFE_PARTING, /* tells the store that it ends */
    LIFE_ENDED,
    LIFE_N
};

enum lifecycle_of { LIFECYCLE_NODE, LIFECYCLE_WORKER, LIFECYCLE_N };

struct lifecycle {
    enum lifecycle_of of;
    _Atomic int phase; /* moved by one thread; a node's is read by any */
};

/* Begins as STARTING (a node) or SERVING (a worker). */
void lifecycle_init(struct lifecycle *l, enum lifecycle_of of);

/* Returns true if the drawing has that arrow. */
bool lifecycle_may(enum lifecycle_of of, enum lifecycle_phase from,
                   enum lifecycle_phase to) MUST_CHECK;

/* Moves there; the drawing has that arrow. */
void lifecycle_go(struct lifecycle *l, enum lifecycle_phase to);

/* Returns what /ready says of a node in that phase, static. */
const char *lifecycle_text(enum lifecycle_phase phase);

static inline enum lifecycle_phase lifecycle_at(const struct lifecycle *l)
{
    return (enum lifecycle_phase)atomic_load(&l->phase);
}

#endif
