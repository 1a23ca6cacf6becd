/* gw_event.h: an event of an API Gateway WebSocket API, as its HTTP integration (HTTP_PROXY) tells
 * it: by the path and by header fields that the integration maps; the client's frame is the body.
 *
 *   <path>/connect      X-Ws-Connection-Id   context.connectionId
 *   <path>/message      X-Ws-Domain          context.domainName
 *   <path>/disconnect   X-Ws-Stage           context.stage
 *                       X-Ws-Source-Ip       context.identity.sourceIp
 *                       X-Ws-Connected-At    context.connectedAt
 *   at connect, if they are mapped:
 *                       X-Ws-Token           route.request.querystring.token
 *                       X-Ws-Origin          route.request.header.Origin
 *                       X-Ws-Protocol        route.request.header.Sec-WebSocket-Protocol
 *                       X-Ws-Principal       context.authorizer.principalId
 *                       X-Ws-Principal-Name  context.authorizer.name
 *
 * Between workers and nodes an event is relayed as bytes:
 *
 *   version kind flags connected  then, each with its length before it:  id base source token
 *   (a byte each)      (varint)   origin protocol (principal title); and the body: the rest
 *
 * What stands in brackets is there from version 2 on, which is written where it is needed alone.
 *
 * Whoever knows the secret is believed to be API Gateway; still, what becomes a key, an address or
 * a URL is checked. Pure. */
#ifndef SERVER_GW_GW_EVENT_H
#define SERVER_GW_GW_EVENT_H

#include "base/buf.h"
#include "wire/http1.h"

enum {
    GW_BODY_MAX = 128 * 1024, /* of a message, by API Gateway */
    GW_BASE_MAX = 512,
    GW_SOURCE_MAX = 64,
    GW_TOKEN_MAX = 4096,
    GW_PRINCIPAL_MAX = 512,
};

enum gw_kind { GW_CONNECT, GW_MESSAGE, GW_DISCONNECT };

/* Strings are borrowed; what was not said is empty. */
struct gw_event {
    enum gw_kind kind;
    bool relayed;          /* from another node: it is not to go to a further one */
    uint64_t connected_ms; /* Unix time; 0: not known */
    struct str id;         /* 1 to KEYS_CONN_MAX characters of base64 */
    struct str base;       /* "https://<host>/<stage>", which @connections is behind */
    struct str source;     /* the client's address */
    struct str token, origin, protocol;
    struct str principal; /* who the gateway says it is; and what people are to call them */
    struct str title;
    struct str body;
};

/* Reads the fields; base is the caller's. NULL, or which field is not what it must be. */
const char *gw_event_read(const struct http1_headers *h, struct gw_event *ret_event) MUST_CHECK;

/* Appends "https://<domain>/<stage>", of the fields. False if there is no domain, or one of them
 * is none. */
bool gw_event_base(const struct http1_headers *h, struct buf *out) MUST_CHECK;

/* Appends the event as bytes. */
void gw_event_encode(const struct gw_event *e, struct buf *out);

/* Returns false if it is none: of another version, or with a string that is too long. */
bool gw_event_decode(struct str bytes, struct gw_event *ret_event) MUST_CHECK;

/* What an event is answered with, as bytes: "<status> <protocol>\n<body>". */
struct gw_answer {
    unsigned status; /* of HTTP */
    bool protocol;   /* the client offered ours: say that it is taken */
    struct str body;
};
void gw_event_answer_encode(const struct gw_answer *a, struct buf *out);
bool gw_event_answer_decode(struct str bytes, struct gw_answer *ret_answer) MUST_CHECK;

#endif
