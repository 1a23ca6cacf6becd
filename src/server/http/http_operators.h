/* http_operators.h: what balancers and collectors ask over HTTP: /health, /ready, /metrics,
 * and the keys that own tokens are verified with. Nothing here shows a person's data, or
 * changes anything. */
#ifndef SERVER_HTTP_HTTP_OPERATORS_H
#define SERVER_HTTP_HTTP_OPERATORS_H

#include "server/conn/exchange.h"

/* Returns true if the request is one of these, whatever name it calls the server by. */
bool http_operators_takes(const struct exchange *x) MUST_CHECK;

/* Answers it. */
void http_operators_run(struct exchange *x);

/* GET /api/v1/issuer: by which issuer a page logs people in, and as which client: {"issuer":
 * {"url", "client", "scopes"}}, or {"issuer": null}. All of it is public. */
void http_operators_issuer(struct exchange *x);

#endif
