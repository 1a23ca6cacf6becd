/* front.h: where the gateway listens, and which part of it answers which path:
 *
 *   /STAGE                          a WebSocket (client.h)
 *   /STAGE/@connections/ID          management.h
 *   /2015-03-31/functions/NAME/invocations   invoke.h
 *   /metrics                        what was counted, for Prometheus
 */
#ifndef GATEWAY_FRONT_H
#define GATEWAY_FRONT_H

#include "gateway/acceptor.h"
#include "gateway/gateway.h"

/* Listens; io: the loop's, or TLS above it. 0 and which address it got, or -errno. The
 * acceptor is the caller's, who closes it. */
int front_open(struct gateway *g, struct io *io, const struct io_addr *addr,
               struct acceptor *ret_front, struct io_addr *ret_addr) MUST_CHECK;

#endif
