/* eio_http.h: requests of Engine.IO: which session they are for, and where it is.
 * A connection whose request is for a session of another worker moves there, if it can;
 * else, and if the session is another node's, the request is forwarded. */
#ifndef SERVER_EIO_HTTP_H
#define SERVER_EIO_HTTP_H

#include "base/base.h"

struct conn;

/* Is Engine.IO spoken at that address? */
bool eio_http_takes(const struct conn *c, struct str path);

/* Answers the complete request that the connection holds, now or later, or makes
 * it a WebSocket, or moves it. */
void eio_http_run(struct conn *c);

/* Answers the handshake of a WebSocket; false if it was refused. */
bool eio_http_upgrade(struct conn *c);

#endif
