/* management.h: @connections, by which a back end speaks to clients: POST sends, GET asks,
 * DELETE closes. Requests are signed (SigV4, execute-api); errors are told as AWS tells them:
 * by status, x-amzn-ErrorType, and a JSON message, which 410 has not. */
#ifndef GATEWAY_MANAGEMENT_H
#define GATEWAY_MANAGEMENT_H

#include "gateway/gateway.h"

/* The text of a path behind "/STAGE/@connections/", or p NULL if it is no such path. */
struct str management_path(const struct gateway *g, struct str path);

/* Answers a request for such a path; id is what management_path returned. */
void management_run(struct gateway *g, struct inlet *l, const struct http1_request *r,
                    struct str id, struct str body);

#endif
