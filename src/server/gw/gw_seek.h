/* gw_seek.h: which node is home of a connection behind API Gateway. An event for one that this
 * worker does not have goes to its home, which the store knows; if that is lost, this worker
 * becomes its home:
 *
 *   LOOKING --row of a node that lives--> relayed there; if that refuses: LOOKING again
 *      |  ^--another was faster--.
 *      '--nobody's, or lost--> CLAIMING --written--> home: restored, and the events run, in order
 *
 * A worker asked by another node looks for nothing: it has the connection, or refuses. */
#ifndef SERVER_GW_GW_SEEK_H
#define SERVER_GW_GW_SEEK_H

#include "server/conn/exchange.h"
#include "server/gw/gw_event.h"

/* The event's way from the worker that looks after its id (door_gw_worker). Answers the exchange,
 * now or later. */
void gw_seek_take(struct exchange *x, const struct gw_event *e);

/* The home of that id, of a node whose run has ended, is to be this worker's, if the row still says
 * that node, or nobody. */
void gw_seek_lost(struct worker *w, struct str id, struct str run);

/* Another node gives a home away: x->body (server/gw/gw_give.h). */
void gw_seek_given(struct exchange *x);

void gw_seek_init(struct worker *w);
void gw_seek_fini(struct worker *w);

#endif
