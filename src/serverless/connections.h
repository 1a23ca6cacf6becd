/* connections.h: @connections of API Gateway as a poster: each POST a signed request (SigV4,
 * service execute-api) over an HTTP client, which keeps its connections.
 *
 *   POST <base>/@connections/<id, percent-encoded>     sent with a raw '@', as AWS' SDKs do
 *   DELETE, where a post ends the connection
 *
 * A 403 because the credentials have expired or the clock is wrong is answered as 503, to be
 * tried again with new credentials; any other 403 stays one. On one loop. */
#ifndef SERVERLESS_CONNECTIONS_H
#define SERVERLESS_CONNECTIONS_H

#include "io/http_client.h"
#include "serverless/poster.h"
#include "wire/sigv4.h"

struct connections_options {
    struct io *home;
    struct http_client *client; /* outlives the poster */
    const char *region;         /* copied */
    unsigned timeout_ms;        /* of a POST */
    /* Appends what sigv4_headers does, or returns false (aws/signer.h); NULL: not signed. */
    bool (*sign)(void *ctx, const struct sigv4_request *r, struct buf *out);
    void (*refresh)(void *ctx); /* the credentials were refused; or NULL */
    void *ctx;
};

struct poster *connections_new(const struct connections_options *o) MUST_CHECK;

/* What POSTs and DELETEs were answered, since the start: 410, of a connection that has ended, is
 * neither. */
struct connections_stats {
    uint64_t ok, failed;
};
struct connections_stats connections_stats(const struct poster *p);

/* The name of the error of the last answer that was one, "ForbiddenException"; "" if there was
 * none: for who says loudly what is wrong. */
const char *connections_error(const struct poster *p);

/* Nothing may be under way. NULL is fine. */
void connections_free(struct poster *p);

#endif
