/* move.h: clients are asked to go to another node, each at its own moment, while
 * this one still serves them. A client opens its second connection, resumes there,
 * and closes the first: nothing is missed (docs/protocol.md, "Moving").
 *
 *   begin --1/10 of drain-ms: balancers look at /ready--> told, one after another,
 *   for half of it --> the rest: who found no other node yet tries again --> 1012
 *
 * A client that is closed is answered first what is in hand. A client that comes meanwhile
 * is served, and told at once: so it knows that its second connection has not left the
 * node. The node itself ends by drain.h. */
#ifndef SERVER_CONN_MOVE_H
#define SERVER_CONN_MOVE_H

#include "base/wheel.h"

struct conn;
struct worker;

struct move {
    struct worker *worker;
    struct wheel_timer tick;
    uint64_t begun_ms, until_ms; /* until: then who is left is closed */
    unsigned all, told;          /* clients there were; how many were told */
};

/* From now on its clients are told. On the worker's loop; not while it is on. */
void move_begin(struct worker *w);

/* Tells nobody any more. Clients that were told go, or stay: both are fine. */
void move_end(struct worker *w);

/* A connection has come to speak WebSocket. */
void move_opened(struct conn *c);

#endif
