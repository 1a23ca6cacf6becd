/* loop.h: how a worker (server/node/worker.h) is made, and what it does in a turn and once a
 * second. What its rooms, its feeds and the bus tell is brought to its connections here. */
#ifndef SERVER_RUN_LOOP_H
#define SERVER_RUN_LOOP_H

#include "io/tls_context.h"

struct server;
struct worker;

/* 0 or -errno; the server's fields are set before. */
int loop_init(struct worker *w, struct server *server, unsigned index) MUST_CHECK;

/* TLS by the configured certificate. 0, or -errno and a sentence in ret_why. */
int loop_tls(struct worker *w, const struct tls_tickets *tickets,
             char ret_why[static TLS_CONTEXT_ERROR_MAX]) MUST_CHECK;
void loop_fini(struct worker *w);

/* Runs a turn: what host_start runs. Returns false when the worker has ended. */
bool loop_turn(void *arg);

#endif
