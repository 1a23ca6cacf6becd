/* revoked.h: how a node learns of the sessions that others have ended. The bus tells
 * at once (chat/people.h); what it loses is found here, as the records of the last
 * minutes are listed every few seconds. Worker 0's; nothing where there is no other
 * node. */
#ifndef SERVER_REVOKED_H
#define SERVER_REVOKED_H

#include "base/base.h"

struct revoked;
struct server;

/* Begins; the workers are told of each that is new. */
struct revoked *revoked_start(struct server *s) MUST_CHECK;

/* Asks no more. */
void revoked_stop(struct revoked *r);

/* Is a request under way? */
bool revoked_is_asking(const struct revoked *r) MUST_CHECK;

/* NULL is fine, for each of them. */
void revoked_free(struct revoked *r);

#endif
