/* far_there.h: a request that came from another worker, where its session is: a
 * connection without a socket stands for the one that asks. */
#ifndef SERVER_FAR_THERE_H
#define SERVER_FAR_THERE_H

#include "server/far_message.h"

struct worker;

/* A message that is no answer came from that node. */
void far_there_heard(struct worker *w, uint64_t node, const struct far_message *m);

/* That node is gone, and with it who asked. */
void far_there_lost(struct worker *w, uint64_t node);

/* Frees what has not all come. */
void far_there_fini(struct worker *w);

/* Does h stand for a connection elsewhere? Then it is answered there. */
bool far_there_is(const struct conn *h);
void far_there_answer(struct conn *h, const struct eio_answer *answer);

#endif
