/* gw_wait.h: commands of a connection behind API Gateway that cannot run yet. Frames may overtake
 * each other: a command that comes ahead of the first `auth` waits for that, GW_WAIT_MS at most;
 * and while more is not to be taken from the connection (conn->paused), all wait. */
#ifndef SERVER_GW_GW_WAIT_H
#define SERVER_GW_GW_WAIT_H

#include "server/gw/gw_conn.h"

struct request;

#define GW_WAIT_MS 2000
#define GW_WAIT_N_MAX 64

/* Runs the parsed command of the connection, now or later; or refuses it: too many wait. */
void gw_wait_take(struct request *r);

/* Runs what may run by now. */
void gw_wait_run(struct conn *c);

/* The time has come to look who has waited for too long; and when that is next: monotonic,
 * UINT64_MAX: nobody waits for it. */
void gw_wait_look(struct conn *c);
uint64_t gw_wait_due_ms(const struct gw_conn *g) MUST_CHECK;

/* The connection is closed: what waits is refused, to be asked again: another home may have it. */
void gw_wait_end(struct conn *c);

#endif
