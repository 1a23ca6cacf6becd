/* authorizer.h: who decides about a handshake before $connect: a REQUEST authorizer's
 * function, or a signature (AWS_IAM). */
#ifndef GATEWAY_AUTHORIZER_H
#define GATEWAY_AUTHORIZER_H

#include "gateway/functions.h"

enum authorizer_verdict {
    AUTHORIZER_ALLOWS,
    AUTHORIZER_DENIES,  /* 403 */
    AUTHORIZER_UNKNOWN, /* 401: an identity source is missing, or it said Unauthorized */
    AUTHORIZER_FAILED,  /* 500: it failed, or its answer is none */
};

/* members: of requestContext.authorizer, with what AUTHORIZER_ALLOWS; lent for the call. */
typedef void authorizer_done_f(void *ctx, enum authorizer_verdict verdict, struct str members);

struct authorizer;

/* Asks for the route's authorizer about the occasion, a connect, which is looked at now only.
 * done is called once, never inside this call. NULL: nobody needs to be asked. */
struct authorizer *authorizer_ask(struct gateway *g, const struct api_route *r,
                                  const struct occasion *o, authorizer_done_f *done, void *ctx);

#endif
