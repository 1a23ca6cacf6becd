/* gw_list.h: which node is home of which connections behind API Gateway, in the store: by that
 * others find them when the node has ended (server/run/gw_heir.h).
 *
 *   homes      <run>   "<bus id>": that a node, by its start, is home of some
 *   g:<run>    <id>    that it is home of this one
 *
 * Both are stored before the connection's row (server/gw/gw_row.h) says so. What the row never says
 * then is listed for nothing, until it expires. */
#ifndef SERVER_GW_GW_LIST_H
#define SERVER_GW_GW_LIST_H

#include "chat/model/keys.h"
#include "store/store.h"

struct worker;

/* Zeroed; its owner's. */
struct gw_listing {
    struct store_put put;
    struct worker *worker;
    struct str id;
    bool node; /* the node is being listed, and not yet the connection */
    char pk[KEYS_MAX], bus_id[20];
    void (*done)(struct gw_listing *l, bool ok);
};

/* This node is to be home of that one; id stays until done, which always follows. */
void gw_list_add(struct worker *w, struct gw_listing *l, struct str id,
                 void (*done)(struct gw_listing *l, bool ok));

/* The node of that run is not home of that one, or of any; nobody waits for it. */
void gw_list_remove(struct worker *w, struct str run, struct str id);
void gw_list_remove_node(struct worker *w, struct str run);

/* The node's own run. */
struct str gw_list_run(const struct worker *w);

#endif
