/* reload.h: what stands in files is read again, on request: the certificate and its
 * key, and the issuer's keys. A helper's thread reads; no loop waits for a disk.
 *
 *     asked --> helper: reads all --> worker 0 --> a context of TLS for each worker
 *       ^                                |     \-> keys of the issuer to all
 *       +---- asked meanwhile: again ----+
 *
 * What cannot be used is logged, and leaves everything as it was. All of it is
 * worker 0's, but what says otherwise. */
#ifndef SERVER_RUN_RELOAD_H
#define SERVER_RUN_RELOAD_H

#include "base/base.h"

struct reload;
struct server;

/* When the workers are made. 0 or -errno. */
int reload_new(struct server *s, struct reload **ret_reload) MUST_CHECK;

void reload_ask(struct reload *r);

/* No job is under way afterwards, but its mail may be. NULL is fine. */
void reload_stop(struct reload *r);

/* Every loop must be freed. NULL is fine. */
void reload_free(struct reload *r);

#endif
