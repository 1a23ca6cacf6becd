/* client.h: one connection of the API, from its handshake to its end.
 *
 *   ASKED --authorizer, $connect--> OPEN --close, error, limit--> LEAVING --> GONE --> freed
 *     |                                                             ^
 *     +--refused: the handshake is answered, $disconnect never runs-+
 *
 * LEAVING: $disconnect is under way, or other events of it are. GONE: the last of them is
 * back. With the fault gone-late it is found, as if it were open, for a while after its end.
 * A client is freed once nothing of it is under way. */
#ifndef GATEWAY_CLIENT_H
#define GATEWAY_CLIENT_H

#include "gateway/gateway.h"

struct client;

/* Takes over a request for a WebSocket at the stage's path, whose inlet is busy with it. */
void client_ask(struct gateway *g, struct inlet *l, const struct http1_request *r);

enum client_found {
    CLIENT_NONE, /* there is no such connection, or $connect has not returned */
    CLIENT_FOUND,
    CLIENT_LATE, /* it has ended, and the fault gone-late hides that */
};

/* The connection with that id. */
enum client_found client_find(struct gateway *g, struct str id, struct client **ret_client);

/* Sends a text frame. False if it cannot take it now: too much waits for it. */
bool client_send(struct client *c, struct str text) MUST_CHECK;

/* What GET @connections says, appended as JSON. */
void client_describe(const struct client *c, struct buf *out);

/* Closes it: DELETE, or the end of the gateway. */
void client_close(struct client *c, uint16_t code, struct str reason);

/* Closes all, 1001. */
void client_close_all(struct gateway *g);

/* Forgets those that a fault still kept. All must have ended. */
void client_fini(struct gateway *g);

#endif
