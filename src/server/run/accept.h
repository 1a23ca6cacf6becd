/* accept.h: where a node listens. Worker 0 accepts, checks how fast an address
 * connects, and hands each connection to the worker with the fewest. */
#ifndef SERVER_RUN_ACCEPT_H
#define SERVER_RUN_ACCEPT_H

#include "base/base.h"

struct accept;
struct server;
struct worker;

struct accept *accept_new(struct worker *w) MUST_CHECK;
void accept_free(struct accept *a);

/* Listens on all that conf names. NULL, or a sentence that says what failed and
 * what to do; it lives until accept_free. */
const char *accept_open(struct server *s) MUST_CHECK;

/* Did it fail because another process has an address? Then it may be called again, and
 * goes on where it failed. */
bool accept_is_busy(const struct server *s) MUST_CHECK;

/* Accepts no more. closed: the descriptors are closed too; false while an accept
 * is still being cancelled. */
void accept_close(struct server *s);
bool accept_closed(struct server *s) MUST_CHECK;

/* The address that listener i has in the end (a port 0 was chosen); NULL behind the last. */
const char *accept_url(const struct server *s, unsigned i);

#endif
