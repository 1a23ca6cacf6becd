/* door_gw.h: a connection behind API Gateway, at its home: the worker that keeps it, without a
 * socket. What comes is brought by HTTP (server/gw/gw_http.h); what followers are sent goes out by
 * POST to @connections, one in flight for a connection:
 *
 *   IDLE --something to send--> POSTING --200, 413--> IDLE
 *                                 |  ^--a moment later-- WAITING
 *                                 |--429, 5xx, 403, no answer--^
 *                                 '--410--> closed
 *
 * What gathers meanwhile goes with the next: as an array in one frame for a client that takes
 * that (auth's `array`), else each event in a frame of its own. Answers to commands do not go this
 * way: they are the HTTP response. Ending such a connection takes a DELETE; a client cannot be
 * told a code by that, so an event tells it before. */
#ifndef SERVER_GW_DOOR_GW_H
#define SERVER_GW_DOOR_GW_H

#include "server/gw/gw_conn.h"
#include "server/gw/gw_event.h"

struct gw_outlet;

/* The worker's part; outlet: NULL where there is none. */
void door_gw_init(struct worker *w, struct gw_outlet *outlet);
void door_gw_fini(struct worker *w, struct gw_outlet *outlet);

/* The connection of that id here, or NULL. */
struct conn *door_gw_find(struct worker *w, struct str id);

/* Makes one, as the event tells of it: nobody's yet. */
struct conn *door_gw_open(struct worker *w, const struct gw_event *e);

/* door_gw_find, of ids of any worker of the node: which worker looks after them. */
unsigned door_gw_worker(const struct worker *w, struct str id);

/* It was heard of. */
void door_gw_heard(struct conn *c);

#endif
