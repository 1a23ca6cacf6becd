/* gw_post.h: what a connection behind API Gateway is sent, gathered and posted: one POST in flight
 * (server/gw/door_gw.h has the picture). */
#ifndef SERVER_GW_GW_POST_H
#define SERVER_GW_GW_POST_H

#include "server/gw/gw_conn.h"

/* Of door_gw: posts what may go now, if nothing is on its way. Of a connection that is finished:
 * what is left, then its DELETE if it is parting; then it is dropped. */
void gw_post_flush(struct conn *c);

/* The connection is closed, and API Gateway is to end the client's. Nothing is on its way. */
void gw_post_delete(struct gw_conn *g);

#endif
