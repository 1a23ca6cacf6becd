/* gw_heir.h: takes over the connections behind API Gateway of nodes that have ended: worker 0 looks
 * in the store which nodes are home of any (server/gw/gw_list.h), and which of them live no more,
 * by their heartbeats and by the bus. Nodes divide what they find by the ids; each takes over on
 * the condition that nobody has, so that what one leaves another finds. */
#ifndef SERVER_RUN_GW_HEIR_H
#define SERVER_RUN_GW_HEIR_H

#include "base/base.h"

struct gw_heir;
struct server;

/* NULL if the node is not behind API Gateway. */
struct gw_heir *gw_heir_start(struct server *s);

/* Looks no more; true while a request is under way. NULL is fine. */
void gw_heir_stop(struct gw_heir *h);
bool gw_heir_is_asking(const struct gw_heir *h) MUST_CHECK;
void gw_heir_free(struct gw_heir *h);

#endif
