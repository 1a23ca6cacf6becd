/* signature.h: is a request to the API signed by somebody who may? */
#ifndef GATEWAY_SIGNATURE_H
#define GATEWAY_SIGNATURE_H

#include "gateway/gateway.h"
#include "wire/sigv4_verify.h"

/* *ret_denied, with SIGV4_GOOD: who has signed may not. */
enum sigv4_verdict signature_judge(struct gateway *g, const struct http1_request *r,
                                   struct str body, bool *ret_denied) MUST_CHECK;

/* The same of a handshake, as yes or no. With --no-signatures everybody may. */
bool signature_is_good(struct gateway *g, const struct http1_request *r) MUST_CHECK;

#endif
