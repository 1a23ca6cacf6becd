/* eio_far.h: a polling request whose session is on another worker, and whose
 * connection cannot move there (TLS): the request is mailed, and its answer back.
 *
 *   h --request--> mail --> [ a connection without a socket, as if it were h ]
 *   h <--bytes---- mail <---------------------'
 *
 * While it is away the request holds h. If h closes meanwhile the session is told,
 * as of a GET that was abandoned. */
#ifndef SERVER_EIO_FAR_H
#define SERVER_EIO_FAR_H

#include "server/eio.h"

/* The request that h holds goes to the session's worker. post: it is a POST, whose
 * body is taken; else a GET. */
void eio_far_send(struct conn *h, const struct eio_sid *sid, bool post);

/* h, whose request is away, closes. */
void eio_far_lost(struct conn *h);

#endif
