/* drain.h: the end of a worker: every client is closed (who could go elsewhere was
 * told before: move.h); then all that is in memory goes to the store; then nothing
 * is left.
 *
 *   closing --10 s--> dropping --10 s--> stuck
 *      |                            |
 *      +--------- settled ----------+
 *
 * Whatever clients do, none is left when the first limit is over; if then the store
 * does not answer, or a command does not end, the second says so and the process
 * ends without them. When all workers have settled they settle once more. */
#ifndef SERVER_DRAIN_H
#define SERVER_DRAIN_H

#include "base/wheel.h"

struct worker;

struct drain {
    struct wheel_timer limit;
    bool dropped; /* the first limit is over */
    bool saved;   /* what the last connections left in memory was handed to the store */
    bool settled;
};

/* Closes every client. On the worker's loop, once. */
void drain_begin(struct worker *w);

/* The end of each turn from then on: tells the server when nothing is left. */
void drain_turn(struct worker *w);

/* Once more, now that no worker has a client: their last commands may have left
 * something with this one after it had settled. */
void drain_again(struct worker *w);

#endif
