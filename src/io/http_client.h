/* http_client.h: requests to HTTP services elsewhere: DynamoDB, STS, the metadata
 * of a machine or task, an issuer's keys. Not for what Polylog serves.
 *
 * A request is embedded in the caller's object and completed once, by mail, on
 * its home loop: also when the client closes. It may be submitted to set out
 * later, so that callers that try again need no timer of their own.
 *
 *   loop --http_client_submit--> [ client's own thread: keep-alive, TLS ] --mail--> loop
 *
 * Contract, identical for every implementation (tests/contract/test_http_client.c):
 *  1. the request and what it points to stay the caller's until done is called;
 *     exactly once, on home's loop, never inside http_client_submit;
 *  2. ret_error is 0 if a whole answer came, whatever its status; else -ETIMEDOUT,
 *     -ECONNREFUSED, -ECONNRESET, -EHOSTUNREACH, -EKEYREJECTED (nobody trusted says
 *     that it is who was asked), -EPROTO (TLS otherwise, or not HTTP), -EMSGSIZE
 *     (longer than response_max), -ECANCELED (the client closes);
 *  3. no redirect is followed, no proxy is used but by http_options, no header is
 *     added but Host, Content-Length and, to a body without one, Content-Type. A
 *     request is repeated only if it went out on a kept connection that the other
 *     end had closed, before a byte of an answer;
 *  4. bodies come as they were sent: not decompressed;
 *  5. piece is given the body of an answer 200 as it comes, on the client's own thread,
 *     with ret_status and ret_headers filled; nothing is kept of it. False from it ends
 *     the request: -ECANCELED. The request is the client's for as long as done has not
 *     been told;
 *  6. no more than connections_max connections to one host and port; what is
 *     beyond waits, and its waiting counts towards timeout_ms. */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include "base/buf.h"
#include "io/host.h"

struct http_client;
struct http_request;

typedef void http_done_f(struct http_request *req);
typedef bool http_piece_f(struct http_request *req, struct str bytes);

struct http_request {
    struct io_mail mail; /* the client's until done */
    struct io *home;
    http_done_f *done;
    http_piece_f *piece; /* NULL: the body is kept in ret_body */
    const char *method;
    const char *url;             /* http: or https:, with its path; sent as it is */
    const char *const *headers;  /* "Name: value"; ended by NULL; or NULL */
    struct str body;             /* p NULL: none */
    unsigned delay_ms;           /* sets out no sooner than this after being submitted */
    unsigned timeout_ms;         /* from setting out to the end of the answer; not 0. With
                                    piece: the longest silence, in whole seconds */
    unsigned connect_timeout_ms; /* 0: timeout_ms */
    size_t response_max;         /* of the body */
    const char *ca_file;         /* whom it trusts, and nobody else; NULL: the client's */
    void *impl;                  /* the client's */
    int ret_error;
    unsigned ret_status;
    struct buf ret_headers; /* "name: value\n" each, names in lower case */
    struct buf ret_body;
};

struct http_client_ops {
    const char *name;
    void (*submit)(struct http_client *c, struct http_request *req);
    void (*close)(struct http_client *c);
};

/* First member of every implementation's own struct. */
struct http_client {
    const struct http_client_ops *ops;
};

/* Any thread. Results of an earlier use are cleared. */
void http_client_submit(struct http_client *c, struct http_request *req);

/* What the answer's header says, trimmed, or an empty string; name in lower case. */
struct str http_client_header(const struct http_request *req, const char *name);

/* What ret_error means, for a person. */
const char *http_client_error(const struct http_request *req);

/* Frees what the results hold. Also of a request that was never submitted, if it
 * is zero. */
void http_client_request_fini(struct http_request *req);

/* Ends what is under way (ECANCELED), then frees. Loops that wait for completions
 * must still exist. NULL is fine. */
static inline void http_client_close(struct http_client *c)
{
    if (c != NULL)
        c->ops->close(c);
}

/* A function stands still between events: the other end may have closed what was idle. */
enum { HTTP_IDLE_FUNCTION_S = 5 };

struct http_options {
    unsigned connections_max; /* to one host and port; 0: 64 */
    const char *ca_file;      /* whom it trusts, and nobody else; NULL: the system's list */
    const char *proxy;        /* NULL: none */
    unsigned idle_max_s;      /* a kept connection idle for longer is not used again; 0: 118 */
};

/* libcurl on a thread of its own. 0 or -errno. */
int http_client_curl_new(const struct http_options *o, struct http_client **ret_client) MUST_CHECK;

#endif
