/* gw_restore.h: a connection behind API Gateway that another home had: whose it is, and the rooms
 * that it follows, as its row says (server/gw/gw_row.h). */
#ifndef SERVER_GW_GW_RESTORE_H
#define SERVER_GW_GW_RESTORE_H

#include "server/gw/gw_conn.h"
#include "server/gw/gw_row.h"

/* The connection was opened just now. A session that has ended meanwhile is nobody's. */
void gw_restore(struct conn *c, const struct gw_row *row);

#endif
