/* boot.h: what a node reads from the store before it serves: its identity, who has used it before
 * (server/health/guard.h), the key that signs tokens (made at the very first start), the sessions
 * that were ended before their time, and the code of the owner link while nobody has used it. */
#ifndef SERVER_RUN_BOOT_H
#define SERVER_RUN_BOOT_H

#include "base/base.h"

struct boot;
struct server;

/* Begins to read, on worker 0; the end is told by node_ops.booted. A store that does not answer,
 * or fails, is asked again until `patience` is over; server_waits is told meanwhile. */
struct boot *boot_start(struct server *s);

/* Ends the reading without node_ops.booted, if it has not ended. */
void boot_stop(struct boot *b);

/* Returns true while a request to the store is under way. */
bool boot_is_asking(const struct boot *b) MUST_CHECK;

/* Frees b, which has ended; b may be NULL. */
void boot_free(struct boot *b);

#endif
