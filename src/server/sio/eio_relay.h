/* eio_relay.h: a WebSocket that speaks for a session of another worker. The session stays what it
 * was, polled: each message is the body of a POST, and one GET always waits for what is to be sent.
 *
 *   PROBE --"2probe"--> PROVEN --"5"--> RELAY --either end goes--> closed
 *
 * A single POST is under way: what comes meanwhile goes with the next, in order. */
#ifndef SERVER_SIO_EIO_RELAY_H
#define SERVER_SIO_EIO_RELAY_H

#include "server/sio/far.h"

/* The connection, upgraded, may become the session's. */
void eio_relay_begin(struct conn *c, const struct eio_sid *sid);

#endif
