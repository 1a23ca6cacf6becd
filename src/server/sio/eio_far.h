/* eio_far.h: a request whose session another worker has: it is asked there (server/sio/far.h),
 * and answered here.
 *
 * While it is away the exchange waits; if it is gone meanwhile the session is told, as of a
 * GET that was abandoned. */
#ifndef SERVER_SIO_EIO_FAR_H
#define SERVER_SIO_EIO_FAR_H

#include "server/sio/far.h"

/* x goes to the session's worker, which is known: GET; POST, with its body; or PROBE, after
 * which its connection is a WebSocket that speaks for the session. */
void eio_far_send(struct exchange *x, const struct eio_sid *sid, enum far_type type);

#endif
