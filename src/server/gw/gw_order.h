/* gw_order.h: frames of a connection behind API Gateway that say their place, `n` from 1 on, in
 * that order: API Gateway lets them overtake each other. One that is missing is waited for
 * GW_ORDER_MS at most. One that comes again is taken again, as one without an n: its answer may
 * have been lost. A home that does not know how far its predecessor came takes them as they come
 * for so long. Frames without an n are not ordered. */
#ifndef SERVER_GW_GW_ORDER_H
#define SERVER_GW_GW_ORDER_H

#include "server/gw/gw_conn.h"

struct request;

#define GW_ORDER_MS 2000
#define GW_ORDER_N_MAX 64

/* Runs the frame, parsed or, with a problem, not, once it is its turn (server/gw/gw_wait.h). */
void gw_order_take(struct request *r);

/* The time has come to look what has waited for too long; and when that is next: monotonic,
 * UINT64_MAX: nothing waits. */
void gw_order_look(struct conn *c);
uint64_t gw_order_due_ms(const struct gw_conn *g) MUST_CHECK;

/* The connection is closed: what waits is refused, to be asked again: another home may have it. */
void gw_order_end(struct conn *c);

#endif
