/* occasion.h: what one event of a connection is about, as data, and the variables by which
 * integrations and mapping templates ask for it: $context.connectionId and its kind. Pure. */
#ifndef GATEWAY_OCCASION_H
#define GATEWAY_OCCASION_H

#include "base/buf.h"
#include "wire/http1.h"

enum { OCCASION_ID_LEN = 16, OCCASION_ID_N = OCCASION_ID_LEN + 1 };

enum occasion_kind { OCCASION_CONNECT, OCCASION_MESSAGE, OCCASION_DISCONNECT };

/* What is the same for all events of an API. */
struct occasion_api {
    const char *id, *stage, *domain, *region, *account;
};

/* What is the same for all events of a connection. */
struct occasion_link {
    char id[OCCASION_ID_N];
    uint64_t connected_ms; /* Unix time, by the gateway's clock */
    const char *source_ip;
    const char *user_agent; /* NULL: it said none */
    struct str authorizer;  /* members of a JSON object, without braces; empty: there is none */
    const struct http1_request *request; /* of the handshake; with OCCASION_CONNECT only */
};

struct occasion {
    enum occasion_kind kind;
    const struct occasion_api *api;
    const struct occasion_link *link;
    const char *route_key;
    char request_id[OCCASION_ID_N], message_id[OCCASION_ID_N];
    uint64_t now_ms;     /* Unix time, by the gateway's clock */
    struct str body;     /* of a message */
    uint16_t close_code; /* of a disconnect */
    struct str close_reason;
};

/* "CONNECT", "MESSAGE" or "DISCONNECT". */
const char *occasion_name(enum occasion_kind kind);

/* Makes an id of 11 random bytes: base64 with its padding, as API Gateway's look. */
void occasion_make_id(const uint8_t bytes[static 11], char ret_id[static OCCASION_ID_N]);

/* Has the text the form of a connection's id? */
bool occasion_is_id(struct str id) MUST_CHECK;

/* Appends the value of a variable of the context ("connectionId", "identity.sourceIp",
 * "authorizer.principalId"). False, with nothing appended, if it is not known here. */
bool occasion_context(const struct occasion *o, struct str name, struct buf *out) MUST_CHECK;

/* "20/Jan/2024:11:55:00 +0000", appended: the Common Log Format. */
void occasion_time(uint64_t unix_ms, struct buf *out);

#endif
