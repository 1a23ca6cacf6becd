/* door_http.h: HTTP/1.1: what comes is made exchanges (server/conn/exchange.h) of, and their
 * answers are sent. A connection has one request at a time; what is pipelined behind it waits,
 * and nothing more is read.
 *
 *   HEAD --complete--> BODY --complete--> BUSY --answered--> HEAD
 *
 * An exchange of this door is over when it is answered, its connection closes, or another door
 * has the connection. */
#ifndef SERVER_HTTP_DOOR_HTTP_H
#define SERVER_HTTP_DOOR_HTTP_H

#include "base/base.h"

struct conn;
struct worker;

/* Takes over an accepted descriptor. */
void door_http_open(struct worker *w, int fd, bool secure);

/* The same for one that came when no descriptor was left: it has a second to ask what
 * operators ask, and is closed then. */
void door_http_open_spare(struct worker *w, int fd, bool secure);

/* The node drains. True if a request of the connection is in hand: it is answered, soon, and
 * then the connection ends. */
bool door_http_drain(struct conn *c) MUST_CHECK;

#endif
