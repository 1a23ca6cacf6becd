/* http_routes.h: what is at which address over HTTP. */
#ifndef SERVER_HTTP_ROUTES_H
#define SERVER_HTTP_ROUTES_H

struct conn;

/* Answers the complete request that the connection holds, now or later, or makes
 * it a WebSocket. */
void http_routes_run(struct conn *c);

/* Authenticates session by the token that the request of c brings, if it does. */
void http_routes_authenticate(struct conn *c, struct conn *session);

#endif
