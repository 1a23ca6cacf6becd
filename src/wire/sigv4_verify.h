/* sigv4_verify.h: the other side of sigv4.h: is a request signed by somebody who is known?
 * Of headers only, not of presigned URLs. Pure: the time is an argument. */
#ifndef WIRE_SIGV4_VERIFY_H
#define WIRE_SIGV4_VERIFY_H

#include "wire/http1.h"
#include "wire/sigv4.h"

enum sigv4_verdict {
    SIGV4_GOOD,
    SIGV4_NONE,    /* it is not signed */
    SIGV4_BROKEN,  /* Authorization cannot be read, or lacks a part, or Host is not signed */
    SIGV4_UNKNOWN, /* nobody has this access key */
    SIGV4_SCOPE,   /* signed for another region or service, or on another day */
    SIGV4_LATE,    /* signed more than window_s before or after now */
    SIGV4_WRONG,   /* the signature is not that of this request */
};

struct sigv4_verifier {
    /* The secret of an access key; p NULL: nobody has it. It lives until the verdict, and so
     * does *ret_key, in which the key that is derived from the secret is kept. */
    struct str (*secret)(void *ctx, struct str access_key, struct sigv4_key **ret_key);
    void *ctx;
    struct str region, service;
    uint64_t now_s, window_s;
};

/* The path is taken as it was sent and encoded once more, as sigv4_headers does it. */
enum sigv4_verdict sigv4_verify(const struct sigv4_verifier *v, const struct http1_request *r,
                                struct str body, struct str *ret_access_key) MUST_CHECK;

#endif
