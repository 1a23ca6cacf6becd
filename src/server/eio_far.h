/* eio_far.h: a request of an HTTP connection whose session another worker has: it is
 * asked there (server/far.h), and answered here.
 *
 * While it is away the connection waits; if it closes meanwhile the session is told,
 * as of a GET that was abandoned. */
#ifndef SERVER_EIO_FAR_H
#define SERVER_EIO_FAR_H

#include "server/far.h"

/* The request in h's hand goes to the session's worker, which is known: GET; POST, with
 * its body; or PROBE, after which h is a WebSocket that speaks for the session. */
void eio_far_send(struct conn *h, const struct eio_sid *sid, enum far_type type);

/* h, whose request is away, is to be answered soon: its node drains. */
void eio_far_hurry(struct conn *h);

/* h, whose request is away, closes. */
void eio_far_lost(struct conn *h);

#endif
