/* dispatch.h: one event on its way to an integration and back.
 *
 *   dispatch_start --> [held back by a fault] --> MOCK, HTTP or a function --> done, once
 *
 * It is embedded in the caller's object, who keeps it, the occasion's link and the api alive
 * until done. What becomes of the answer is the caller's matter. */
#ifndef GATEWAY_DISPATCH_H
#define GATEWAY_DISPATCH_H

#include "gateway/gateway.h"
#include "io/http_client.h"

enum dispatch_result {
    DISPATCH_OK,
    DISPATCH_FAILED,  /* the integration cannot be reached, or did not answer as it must */
    DISPATCH_TIMEOUT, /* it took longer than it may */
};

struct invocation;

struct dispatch {
    struct gateway *g;
    const struct api_integration *integration;
    struct occasion occasion; /* its body is the dispatch's copy */
    void (*done)(struct dispatch *d);
    /* Results. */
    enum dispatch_result result;
    unsigned status;     /* of HTTP, MOCK; a function's statusCode, 0 without one */
    struct buf answer;   /* what a route with an answer sends; may be empty */
    struct buf protocol; /* the header Sec-WebSocket-Protocol */
    /* Private. */
    struct buf body, mapped, text;
    const char **headers;
    struct http_request http;
    struct wheel_timer timer;
    struct invocation *invocation; /* NULL: none is under way */
};

/* Zeroes d and sets what is given; the body is copied. */
void dispatch_init(struct dispatch *d, struct gateway *g, const struct api_route *route,
                   struct str body);

/* Sets out, held back for delay_ms of the machine's clock; done is called later, never inside
 * this call. */
void dispatch_start(struct dispatch *d, uint64_t delay_ms);

/* Frees what it holds; not while it is under way. */
void dispatch_fini(struct dispatch *d);

#endif
