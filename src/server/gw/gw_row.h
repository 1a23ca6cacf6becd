/* gw_row.h: what the store keeps of a connection behind API Gateway that a server is home of, so
 * that another can be: under c:<id>, home. Lines:
 *
 *   2 <run> <bus id> <worker> <connected> <flags> <user> <session> <expires> <next n>
 *   <base>
 *   <source>
 *   <name>
 *   <cursors>      as server/sio/sio_cursors.h has them; "-": too many
 *
 * run is of the home's start (server/node/node.h); "-": nobody's, it was given up. The cursors
 * stand where the client has been shown everything: never ahead of that. Pure. */
#ifndef SERVER_GW_GW_ROW_H
#define SERVER_GW_GW_ROW_H

#include "base/buf.h"

enum { GW_ROW_RUN_MAX = 32, GW_ROW_MAX = 8192, GW_ROW_NAME_MAX = 256 };

/* Strings are borrowed. */
struct gw_row {
    struct str run; /* empty: nobody's */
    uint64_t bus_id;
    unsigned worker;
    uint64_t connected_ms; /* Unix time */
    bool array, super;
    unsigned scopes;                    /* chat/model/scope.h */
    uint64_t user, session, expires_ms; /* user 0: nobody has logged in */
    uint64_t next_n;                    /* server/gw/gw_order.h */
    struct str base, source, name, cursors;
};

/* Appends it. */
void gw_row_encode(const struct gw_row *r, struct buf *out);

/* Returns false if it is none that is understood. */
bool gw_row_decode(struct str body, struct gw_row *ret_row) MUST_CHECK;

#endif
