/* drain.h: the end of a worker: every client is closed (clients that can go elsewhere were told
 * before: move.h); then all that is in memory goes to the store; then nothing is left.
 *
 *   closing --10 s--> giving up --2 s--> dropping --8 s--> stuck
 *      |                                    |
 *      +------------- settled --------------+
 *
 * A client is closed once its commands in hand are answered; nothing more is taken from it
 * meanwhile. A command that is not done when the first limit is over is answered with store_failed.
 * Whatever clients do, none is left when the first limit is over. If the store does not answer by
 * the second limit, or a command does not end, the log says so and the process ends without them.
 * When all workers have settled they settle once more. */
#ifndef SERVER_RUN_DRAIN_H
#define SERVER_RUN_DRAIN_H

#include "base/wheel.h"

struct conn;
struct worker;

struct drain {
    struct worker *worker;
    struct wheel_timer limit;
    unsigned over_n; /* limits that are over: one, what was in hand has been answered; two,
                      * nobody is left; three, it is stuck */
};

/* Closes every client. On the worker's loop, once. */
void drain_begin(struct worker *w);

/* Looks, at the end of each turn from then on: tells the server when nothing is left. */
void drain_turn(struct worker *w);

/* Settles once more, now that no worker has a client: their last commands may have left
 * something with this worker after it had settled. */
void drain_again(struct worker *w);

#endif
