/* door_http.h: HTTP/1.1: the same commands as POST /api/v1/<command>, the web app,
 * health and metrics, and the upgrade to WebSocket. One request at a time per
 * connection; what is pipelined behind it waits, and nothing more is read.
 *
 *   HEAD --complete--> BODY --complete--> BUSY --answered--> HEAD
 */
#ifndef SERVER_DOOR_HTTP_H
#define SERVER_DOOR_HTTP_H

#include "server/conn.h"
#include "wire/chunked.h"
#include "wire/http1.h"

#define HTTP_ADDRESS_MAX 64

enum http_state {
    HTTP_HEAD,
    HTTP_BODY,
    HTTP_BUSY,
};

/* A request while it is being read and routed. */
struct http_message {
    struct http1_request request; /* its strings lie in head */
    size_t n;                     /* of head */
    uint8_t head[];
};

/* What the door keeps of a connection while there is something to keep. */
struct http {
    enum http_state state;
    struct buf in;   /* what came and is not consumed: a partial head, what is pipelined */
    struct buf body; /* of the request */
    struct http_message *message; /* NULL: none, or it has been routed */
    struct chunked chunked;
    uint64_t body_left;
    struct conn *session;           /* of Engine.IO, whose GET waits here; NULL: none does */
    bool routing;                   /* the request is being routed just now */
    bool asked;                     /* it waits for who asks: door_http_routed will follow */
    struct eio_far *far;            /* the request is with another worker; NULL: it is not */
    bool head_only;                 /* HEAD: no body in the answer */
    bool close;                     /* after the answer */
    char address[HTTP_ADDRESS_MAX]; /* the client's, by X-Forwarded-For if trusted */
    bool loopback;                  /* it is this machine's */
    bool secure;                    /* it speaks TLS, to us or to a trusted proxy */
    char origin[256];               /* allowed by CORS for this request; else empty */
};

/* Takes over an accepted descriptor. */
void door_http_open(struct worker *w, int fd, bool secure);

/* The same for one that another worker has taken bytes from: they come first. */
void door_http_open_with(struct worker *w, int fd, bool secure, struct str bytes);

/* Appends what is to be given with the socket of a connection whose request is in
 * hand: the request, and what came behind it. */
void door_http_again(const struct conn *c, struct buf *out);

/* Answers the request in hand; body is copied. extra: more header fields. */
struct http_answer {
    int status;
    struct str type;
    struct str body;
    const struct http1_header *extra;
    size_t extra_n;
    bool no_length; /* 304: no body, no length */
};
void door_http_answer(struct conn *c, const struct http_answer *a);

/* Whose the request in hand is: the connection's peer, or who a trusted proxy says. */
struct io_addr door_http_client(const struct conn *c);

/* {"error":{...}} of errors.tbl, or as the call ended. */
void door_http_fail(struct conn *c, enum error_code code, uint64_t retry_after_ms);
void door_http_fail_call(struct conn *c, const struct call *call);

/* The connection is no longer this door's; what it keeps is freed when the
 * request has been dealt with. */
void door_http_upgraded(struct conn *c);

/* The request that was `asked` has been answered, or the connection upgraded, or it
 * has closed. */
void door_http_routed(struct conn *c);

/* Does the browser's Origin, if there is one, belong to us? */
bool door_http_origin_allowed(const struct conn *c);

#endif
