/* eio_http.h: requests of Engine.IO: which session they are for, and where it is.
 * An exchange whose session another worker of the node has moves there, if it can;
 * else, and if the session is another node's, the request is forwarded. */
#ifndef SERVER_SIO_EIO_HTTP_H
#define SERVER_SIO_EIO_HTTP_H

#include "server/conn/exchange.h"

/* Returns true if Engine.IO is spoken at that address. */
bool eio_http_takes(const struct worker *w, struct str path);

/* The head of a request has come, and a body is to follow: is it wanted? If not, the
 * exchange is answered, and its connection ends behind that; or it moves to the worker that
 * has the session, before the body is read. */
bool eio_http_admits(struct exchange *x) MUST_CHECK;

/* Answers the complete request, now or later, or makes its connection a WebSocket, or moves
 * it. Returns the session that it has opened; else NULL. */
struct conn *eio_http_run(struct exchange *x);

#endif
