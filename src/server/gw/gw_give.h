/* gw_give.h: a home that its node gives away, because it drains: the client's socket is not
 * touched. Once nothing of the connection is in hand or on its way, another node is asked:
 *
 *   leaving --FAR_HOME: <rev> <id> <row>--> [ gw_seek there ] --TAKEN--> it is home now: closed
 * here
 *      ^------------- refused, no answer ---------------'
 *
 * The other node writes the row, on the condition that it is as this one left it, before it says
 * so: two can never both have it. What comes meanwhile waits (server/gw/gw_seek.h). */
#ifndef SERVER_GW_GW_GIVE_H
#define SERVER_GW_GW_GIVE_H

#include "server/gw/gw_conn.h"

/* Of door_gw: the connection is to leave (conn->leaving). */
void gw_give_begin(struct conn *c);

/* Gives it away if that may be now; and when to look again: monotonic, UINT64_MAX: it need not. */
void gw_give_look(struct conn *c);
uint64_t gw_give_due_ms(const struct conn *c) MUST_CHECK;

/* The connection is closed. */
void gw_give_end(struct conn *c);

/* Reads what is asked. False if it is none; strings are borrowed. */
bool gw_give_read(struct str bytes, uint64_t *ret_rev, struct str *ret_id,
                  struct str *ret_row) MUST_CHECK;

#endif
