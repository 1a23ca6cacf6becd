/* drain.h: the end of a worker: every client is told, each with a delay of its own;
 * then all that is in memory goes to the store; then nothing is left. */
#ifndef SERVER_DRAIN_H
#define SERVER_DRAIN_H

struct worker;

/* Bye to every client at its own moment. On the worker's loop, once. */
void drain_begin(struct worker *w);

/* The end of each turn from then on: tells the server when nothing is left. */
void drain_turn(struct worker *w);

#endif
