/* revoked.h: how a node learns of the sessions that others have ended. The bus tells at once
 * (chat/people/people.h); what it loses is found here. Worker 0's; nothing where there is no other
 * node.
 *
 * A round, every few seconds, lists the records `revoked:<minute>` from the last minute that was
 * read on to the present one, by the store's time. The records are kept for ten minutes: after a
 * cut that was longer, or when time has jumped, the whole list `revoked` is read first, which is
 * kept as long as the sessions' tokens are good.
 *
 *   known --no round succeeds for a few seconds--> not known (ALARM_sessions)
 *     ^                                               |  for --unproven-after
 *     +------------- a round that succeeds <----- unproven (worker_is_unproven)
 *
 * While sessions are unproven, the workers take nothing of who has one, and show them nothing:
 * commands and tokens are refused with sessions_unproven, cursors stand still, casts are dropped.
 * Connections stay: when the store is back all go on, but for those whose session was ended, which
 * are closed first. Each worker finds by its own clock that it is too late, so that a process that
 * stood still begins with it. */
#ifndef SERVER_CONN_REVOKED_H
#define SERVER_CONN_REVOKED_H

#include "base/base.h"

struct revoked;
struct server;

/* Begins where the server's start has ended: it has read the whole list. NULL if there is
 * no other node. */
struct revoked *revoked_start(struct server *s) MUST_CHECK;

/* Asks no more. */
void revoked_stop(struct revoked *r);

/* Returns true while a request is under way. */
bool revoked_is_asking(const struct revoked *r) MUST_CHECK;

/* NULL is fine, for each of them. */
void revoked_free(struct revoked *r);

#endif
