/* event.h: the JSON that API Gateway gives a Lambda function: the proxy event of a WebSocket
 * API, the request of an authorizer; and what their answers say. Pure. */
#ifndef GATEWAY_EVENT_H
#define GATEWAY_EVENT_H

#include "gateway/api.h"
#include "gateway/occasion.h"

/* Appends the proxy event of the occasion. */
void event_write(const struct occasion *o, const struct api *a, struct buf *out);

/* Appends the event of a REQUEST authorizer; o is a connect. */
void event_write_authorizer(const struct occasion *o, const struct api *a, struct buf *out);

/* "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/$connect", appended. */
void event_method_arn(const struct occasion *o, struct buf *out);

/* What a function's answer says; the buffers are the reader's, and empty. */
struct event_answer {
    unsigned status;      /* statusCode; 0: none was given */
    struct buf *body;     /* the text to send; empty: none */
    struct buf *protocol; /* the header Sec-WebSocket-Protocol */
};

/* Reads a function's answer: an object with statusCode, headers, body. False if it is not
 * such an object: API Gateway takes that for a failure of the integration at $connect; the
 * status is 0 then, and the buffers are empty. */
bool event_read_answer(struct str json, struct event_answer *ret) MUST_CHECK;

/* What an authorizer decided. */
enum event_verdict { EVENT_ALLOW, EVENT_DENY, EVENT_BROKEN };

/* Reads an authorizer's answer: whether its policy allows arn, and appends the members of
 * requestContext.authorizer (principalId and its context) to members. */
enum event_verdict event_read_verdict(struct str json, struct str arn,
                                      struct buf *members) MUST_CHECK;

#endif
