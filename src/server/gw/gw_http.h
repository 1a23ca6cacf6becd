/* gw_http.h: what an API Gateway WebSocket API asks over HTTP, below --gateway-path:
 *
 *   POST <path>/connect, /message, /disconnect      server/gw/gw_event.h has the fields
 *
 * X-Ws-Secret must be --gateway-secret, or --gateway-secret-old while the integration is given
 * another. The connection's home, another worker perhaps, is asked as Engine.IO's sessions are
 * (server/sio/far.h); its answer is the answer. */
#ifndef SERVER_GW_GW_HTTP_H
#define SERVER_GW_GW_HTTP_H

#include "server/conn/exchange.h"

/* Returns true if requests of that path are for here. */
bool gw_http_takes(const struct worker *w, struct str path) MUST_CHECK;

/* How long their bodies may be. */
uint64_t gw_http_body_max(const struct worker *w);

/* Answers, now or later. */
void gw_http_run(struct exchange *x);

/* Of a worker that serves: what other workers send is taken. */
void gw_http_init(struct worker *w);
void gw_http_fini(struct worker *w);

#endif
