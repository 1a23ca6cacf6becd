/* http1_body.h: the body of one request of HTTP/1.1, RFC 9112 6: of a length, or in chunks.
 * Bytes in, the body out; cut anywhere. Pure. */
#ifndef WIRE_HTTP1_BODY_H
#define WIRE_HTTP1_BODY_H

#include "base/buf.h"
#include "wire/chunked.h"
#include "wire/http1.h"

enum http1_body_step {
    HTTP1_STEP_MORE, /* all that came was taken */
    HTTP1_STEP_DONE, /* the body is complete; what follows is the next message's */
    HTTP1_STEP_BAD,  /* answer with the status and close */
};

struct http1_body_reader {
    struct chunked chunked; /* its body_max may be changed before the first bytes */
    uint64_t left;          /* of a length */
    bool is_chunked;
};

/* Of the request that was parsed; chunks beyond max bytes in all are bad (413). A length is
 * the caller's to look at before. */
void http1_body_init(struct http1_body_reader *b, const struct http1_request *r, uint64_t max);

/* Takes what it can from in and appends it to out. *ret_status with HTTP1_STEP_BAD. */
enum http1_body_step http1_body_take(struct http1_body_reader *b, struct buf *in, struct buf *out,
                                     int *ret_status) MUST_CHECK;

#endif
