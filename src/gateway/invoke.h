/* invoke.h: Lambda's own API, as far as functions need it to call each other:
 * POST /2015-03-31/functions/NAME/invocations. Signatures are not looked at. */
#ifndef GATEWAY_INVOKE_H
#define GATEWAY_INVOKE_H

#include "gateway/functions.h"

/* The name of the function in such a path, encoded, or p NULL if it is another path. */
struct str invoke_path(struct str path);

/* Answers a request for such a path, at once or when the function has answered. */
void invoke_run(struct gateway *g, struct inlet *l, const struct http1_request *r, struct str name,
                struct str body);

#endif
