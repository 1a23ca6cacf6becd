/* gw_keep.h: a connection behind API Gateway in the store (server/gw/gw_row.h), so that it outlives
 * its home:
 *
 *   c:<id>     home    the row; written on the condition that it is as this home left it
 *
 * The row is written when the connection begins, a moment after its rooms or its person change, and
 * each GW_KEEP_MS while it is shown something. Whoever finds it changed has lost the connection. */
#ifndef SERVER_GW_GW_KEEP_H
#define SERVER_GW_GW_KEEP_H

#include "server/gw/gw_conn.h"
#include "server/gw/gw_row.h"

#define GW_KEEP_MS 60000
#define GW_KEEP_SOON_MS 20

/* Lists the home of a new connection (server/gw/gw_list.h) and writes its row; begun follows,
 * unless that closes before. */
void gw_keep_begin(struct conn *c, void (*begun)(struct conn *c, bool ok));

/* The row is there already, at that revision, and this node is listed as its home. */
void gw_keep_have(struct conn *c, uint64_t rev);

/* Something of it has changed; or everything up to the cursors was shown. */
void gw_keep_mark(struct conn *c);
void gw_keep_shown(struct conn *c);

/* Of the connection's deadlines: writes if it is due. UINT64_MAX while it cannot be written: what
 * that waits for ends with a flush of the connection. */
uint64_t gw_keep_due_ms(const struct conn *c);
void gw_keep_look(struct conn *c);

/* The connection is about to be closed for the node's end: its row, if it is exact, is to say that
 * it is nobody's. */
void gw_keep_give_up(struct conn *c);

/* The connection is closed: its row is taken away, or given up, or left to who has it by now. Holds
 * the connection until that is done. */
void gw_keep_end(struct conn *c);

/* Appends the row as it is now; run empty: nobody's. */
void gw_keep_row(const struct conn *c, struct str run, struct buf *out);

#endif
