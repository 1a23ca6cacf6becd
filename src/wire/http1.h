/* http1.h: the head of an HTTP/1.1 message, RFC 9112, strict, both roles.
 *
 * Accepts what every party would understand alike and nothing else: lines end
 * in CRLF, no folding, no space before a colon, no control characters, exactly
 * one Host, Content-Length or chunked but not both. Whoever gets HTTP1_BAD
 * answers with the status and closes the connection: what follows the bad head
 * is not to be parsed.
 *
 * The body is the caller's: content_length bytes as they are, or chunked.h.
 * Values of header fields are read by field.h, paths and queries by url.h. */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include "base/base.h"
#include "base/buf.h"

#define HTTP1_HEADERS_MAX 64

enum http1_result {
    HTTP1_MORE, /* the head is not complete yet */
    HTTP1_OK,
    HTTP1_BAD, /* answer with the status and close */
};

struct http1_limits {
    size_t head_max;   /* request line and header fields; beyond: 431 */
    size_t target_max; /* request target; beyond: 414 */
    uint64_t body_max; /* Content-Length (0: no body at all); beyond: 413 */
};

#define HTTP1_LIMITS_DEFAULT \
    ((struct http1_limits){.head_max = 8192, .target_max = 4096, .body_max = 1 << 20})

enum http1_body {
    HTTP1_BODY_NONE,
    HTTP1_BODY_LENGTH,    /* content_length bytes, maybe 0 */
    HTTP1_BODY_CHUNKED,   /* chunked.h */
    HTTP1_BODY_UNTIL_END, /* of the connection; responses only */
};

struct http1_header {
    struct str name, value; /* value without surrounding blanks */
};

struct http1_headers {
    size_t n;
    struct http1_header at[HTTP1_HEADERS_MAX];
};

/* All strings are borrowed from the parsed bytes. */
struct http1_request {
    struct str method;
    struct str target;      /* as it was sent */
    struct str path, query; /* not decoded; path begins with '/' or is "*"; query has no '?' */
    struct str host;        /* of the target if absolute, else of Host; with its port; may be
                               empty in HTTP/1.0 */
    uint8_t minor;          /* HTTP/1.0 or HTTP/1.1 */
    bool keep_alive;        /* by version and Connection */
    bool expect_continue;   /* Expect: 100-continue */
    enum http1_body body;
    uint64_t content_length;
    struct http1_headers headers;
};

/* True if bytes of a body follow the request's head. */
static inline bool http1_has_body(const struct http1_request *r)
{
    return r->body != HTTP1_BODY_NONE && (r->body != HTTP1_BODY_LENGTH || r->content_length > 0);
}

struct http1_response {
    int status;
    uint8_t minor;
    bool keep_alive;
    enum http1_body body;
    uint64_t content_length;
    struct http1_headers headers;
};

/* Parses the head at the start of in, which holds all bytes received of it so
 * far (an empty line before it is skipped). HTTP1_OK: *ret, and *ret_used, the
 * length of the head. HTTP1_BAD: *ret_status, 4xx or 5xx. Bad bytes are refused
 * before the head is complete. *ret is undefined but with HTTP1_OK. */
enum http1_result http1_parse_request(struct str in, const struct http1_limits *limits,
                                      struct http1_request *ret, size_t *ret_used,
                                      int *ret_status) MUST_CHECK;

/* The same for a response to a request; head_request: it was a HEAD, so that
 * no body follows. An interim response (1xx) is returned like any other. */
enum http1_result http1_parse_response(struct str in, const struct http1_limits *limits,
                                       bool head_request, struct http1_response *ret,
                                       size_t *ret_used) MUST_CHECK;

/* The value of the first field of that name (in any case); false if there is none. */
bool http1_get(const struct http1_headers *h, struct str name, struct str *ret_value);

/* How many fields have that name. */
size_t http1_count(const struct http1_headers *h, struct str name);

/* Whether a comma-separated list in any field of that name has the token, in any
 * case: http1_has(h, STR("connection"), STR("upgrade")). */
bool http1_has(const struct http1_headers *h, struct str name, struct str token);

/* Whether the request asks for a WebSocket, well or badly: ws_handshake has
 * the details. */
bool http1_wants_websocket(const struct http1_request *r);

/* The value of HTTP's standard reason phrase; "Unknown" for other codes. */
const char *http1_reason(int status);

#define HTTP1_NO_LENGTH UINT64_MAX

struct http1_reply {
    int status;
    struct str date;         /* field_date_format's; empty: no Date */
    struct str content_type; /* empty: none */
    uint64_t content_length; /* HTTP1_NO_LENGTH: none (101, 204, 304, chunked) */
    bool chunked;            /* Transfer-Encoding: chunked */
    bool close;              /* Connection: close */
    const struct http1_header *extra;
    size_t extra_n;
};

/* Appends a response's head. False, with nothing appended, if a name is not a
 * token or a value has a control character (so that text from a peer can never
 * begin a line of its own), or if out is full. */
bool http1_write_reply(struct buf *out, const struct http1_reply *r) MUST_CHECK;

/* Client: appends a request's head: method, target, Host and the extra fields,
 * under the same rules. */
bool http1_write_request(struct buf *out, struct str method, struct str target, struct str host,
                         const struct http1_header *extra, size_t extra_n) MUST_CHECK;

#endif
