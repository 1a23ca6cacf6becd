/* http_peer.h: an HTTP server for tests of those who ask one, on a loop of the test's.
 * What it does is in the request's path:
 *
 *   /echo   200 with the request's body          /hang    no answer
 *   /head   200 with the request's head          /reset   closes without one
 *   /long   200 with HTTP_PEER_LONG bytes        /cut     closes in the middle of one
 *   /moved  302 to /echo                         /junk    what is not HTTP
 *   /503    503 with a body                      /chunked 200, in chunks
 *   /last   200, and closes the connection behind it, without saying so */
#ifndef LIB_HTTP_PEER_H
#define LIB_HTTP_PEER_H

#include "base/buf.h"
#include "io/io.h"

enum { HTTP_PEER_LONG = 100000 };

struct http_peer;

/* Listens on a free port of the loopback. */
struct http_peer *http_peer_new(struct io *io) MUST_CHECK;
void http_peer_free(struct http_peer *p);

/* Whom a test asks before the path is looked at: appends a whole answer to ret, or none,
 * so that the request hangs. False: the path decides. */
typedef bool http_peer_answer_f(void *ctx, struct str head, struct str body, struct buf *ret);
void http_peer_answer(struct http_peer *p, http_peer_answer_f *answer, void *ctx);

uint16_t http_peer_port(const struct http_peer *p);

/* Connections that were accepted, requests that came, most connections at once. */
struct http_peer_counts {
    unsigned connections, requests, at_once;
};
struct http_peer_counts http_peer_count(const struct http_peer *p);

#endif
