/* gateway_event.h: what a Lambda function is given by an API Gateway WebSocket API (proxy
 * integration), and what it answers; and what the function is given by itself.
 *
 *   {"requestContext":{"eventType":"CONNECT" | "MESSAGE" | "DISCONNECT","connectionId":...},
 *    "headers":{...},"queryStringParameters":{...},"body":"...","isBase64Encoded":false}
 *   {"deliver":{"room":"general","shard":3,"head":124}}     head: of a repeat
 *
 * A message is whatever a stranger has sent; all else is API Gateway's word, which is checked
 * where it becomes a key, an address or a header. Pure. */
#ifndef SERVERLESS_GATEWAY_EVENT_H
#define SERVERLESS_GATEWAY_EVENT_H

#include "base/base.h"
#include "base/buf.h"

enum {
    GATEWAY_EVENT_MAX = 1024 * 1024, /* of an event: a message, each byte of it escaped, and more */
    GATEWAY_EVENT_BODY_MAX = 128 * 1024, /* of a message */
    GATEWAY_EVENT_PAIRS_MAX = 100,       /* headers, query parameters, the authorizer's context */
    GATEWAY_EVENT_VALUES_MAX = 4096,     /* of JSON, in all */
};

enum gateway_event_kind {
    GATEWAY_EVENT_CONNECT,
    GATEWAY_EVENT_MESSAGE,
    GATEWAY_EVENT_DISCONNECT,
    GATEWAY_EVENT_DELIVER, /* the function's own */
};

/* Why an event was not taken. Names and texts: gateway_event_code, gateway_event_why. */
enum gateway_event_result {
    GATEWAY_EVENT_OK,
    GATEWAY_EVENT_TOO_BIG,
    GATEWAY_EVENT_NOT_JSON,
    GATEWAY_EVENT_TOO_MANY,
    GATEWAY_EVENT_OTHER_VERSION,
    GATEWAY_EVENT_NO_CONTEXT,
    GATEWAY_EVENT_BAD_TYPE,
    GATEWAY_EVENT_BAD_CONNECTION,
    GATEWAY_EVENT_BAD_ADDRESS,
    GATEWAY_EVENT_BAD_BODY,
    GATEWAY_EVENT_BAD_DELIVER,
    GATEWAY_EVENT_RESULTS,
};

/* A name and its value, as text: numbers and true and false as they were written. */
struct gateway_event_pair {
    struct str name, value;
};

struct gateway_event_pairs {
    unsigned n;
    struct gateway_event_pair at[GATEWAY_EVENT_PAIRS_MAX];
};

/* Strings are borrowed from the event's bytes; what was not there is empty. */
struct gateway_event {
    enum gateway_event_kind kind;
    struct str connection; /* 1 to KEYS_CONN_MAX characters of base64 */
    struct str domain, stage, api;
    struct str route, request, source_ip, user_agent;
    uint64_t connected_ms, time_ms;
    struct str body;                      /* MESSAGE */
    struct gateway_event_pairs headers;   /* CONNECT; names as the client wrote them */
    struct gateway_event_pairs query;     /* CONNECT */
    struct gateway_event_pairs principal; /* what the authorizer has said */
    unsigned status;                      /* DISCONNECT: the close code; 0: not known */
    struct str reason;
    struct str room; /* DELIVER */
    uint32_t shard;
    uint64_t head; /* all up to there is to be sent before it is over; 0: it need not be */
};

/* Reads the n bytes at p, which are changed in place. With another result than OK *ret_event is
 * undefined. */
enum gateway_event_result gateway_event_read(uint8_t *p, size_t n,
                                             struct gateway_event *ret_event) MUST_CHECK;

/* "not_json"; and a sentence about it. */
const char *gateway_event_code(enum gateway_event_result r);
const char *gateway_event_why(enum gateway_event_result r);

/* The value under a name, which compares without regard to case; empty if there is none. */
struct str gateway_event_find(const struct gateway_event_pairs *pairs, struct str name);

/* Appends "https://<domain>/<stage>", which @connections is behind. */
void gateway_event_base(const struct gateway_event *e, struct buf *out);

/* Appends an answer: {"statusCode":200,"headers":{"Sec-WebSocket-Protocol":...},"body":...}.
 * Without a protocol or a body, n 0, there is none in it. */
void gateway_event_answer(unsigned status, struct str protocol, struct str body, struct buf *out);

/* Appends the function's own event. head 0: none is in it. */
void gateway_event_deliver(struct str room, uint32_t shard, uint64_t head, struct buf *out);

#endif
