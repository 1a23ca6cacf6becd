/* far_there.h: a request that came from another worker, where its session is: an exchange
 * whose answer is a message to the worker that asks. */
#ifndef SERVER_SIO_FAR_THERE_H
#define SERVER_SIO_FAR_THERE_H

#include "server/sio/far_message.h"

struct worker;

/* A message that is no answer came from that node. */
void far_there_heard(struct worker *w, uint64_t node, const struct far_message *m);

/* That node is gone, and with it who asked. */
void far_there_lost(struct worker *w, uint64_t node);

/* The worker ends: nobody is answered any more. */
void far_there_end(struct worker *w);

/* Frees what came after the end. */
void far_there_fini(struct worker *w);

#endif
