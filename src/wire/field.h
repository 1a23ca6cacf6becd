/* field.h: the values of HTTP header fields: dates, entity tags, codings,
 * cookies, forwarded addresses. */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "base/base.h"

struct http1_headers;

#define FIELD_DATE_LEN 29

/* Writes "Sun, 06 Nov 1994 08:49:37 GMT", without a NUL. unix_s from 0 to the
 * end of the year 9999. RFC 9110 5.6.7. */
void field_date_format(int64_t unix_s, char out[static FIELD_DATE_LEN]);

/* Takes the next element of a comma-separated list off *rest, without blanks;
 * skips empty ones and respects quoted strings. False at the end. */
bool field_list_next(struct str *rest, struct str *ret_element);

/* Whether all characters are such as a token has (RFC 9110 5.6.2); not empty. */
bool field_is_token(struct str s);

/* Whether a value has no control characters but tabs (RFC 9110 5.5). */
bool field_is_value(struct str s);

struct field_param {
    struct str name;  /* empty: the syntax is broken */
    struct str value; /* without its quotes */
    bool has_value;
};

/* Takes the next parameter off *rest: "a; b=c; d=\"e\"". False at the end. A
 * quoted value with a backslash counts as broken. RFC 9110 5.6.6. */
bool field_param_next(struct str *rest, struct field_param *ret);

/* Copies an item that is a string ("abc", RFC 8941 3.3.3), without its quotes and escapes
 * and whatever parameters follow; or, as many clients send it, visible ASCII without
 * quotes, commas, semicolons and backslashes. False if value is neither, or its string is
 * empty or longer than max. */
bool field_item_string(struct str value, char *ret, size_t max, size_t *ret_n) MUST_CHECK;

/* Whether If-None-Match names the etag (with its quotes): weak comparison, lists
 * and "*". RFC 9110 13.1.2. */
bool field_etag_match(struct str if_none_match, struct str etag);

enum field_coding {
    FIELD_IDENTITY = 0,
    FIELD_GZIP = 1,
    FIELD_BR = 2,
};

/* The coding to send, of those whose bit (1 << FIELD_GZIP | 1 << FIELD_BR) is
 * set in available: the highest quality that Accept-Encoding gives, at a tie br
 * before gzip before identity. RFC 9110 12.5.3. */
enum field_coding field_accept_encoding(struct str accept_encoding, uint32_t available);

/* The value of a cookie in the Cookie field, as it stands, quotes included; the
 * first one if the name is repeated. RFC 6265 4.2. */
bool field_cookie(const struct http1_headers *h, struct str name, struct str *ret_value);

/* The cookie that a token is in: FIELD_TOKEN_HOST where it was set over TLS, for such a one only
 * this host can have set (RFC 6265bis 4.1.3.2); else FIELD_TOKEN. A token in the first counts. */
#define FIELD_TOKEN STR("polylog_token")
#define FIELD_TOKEN_HOST STR("__Host-polylog_token")
bool field_cookie_token(const struct http1_headers *h, struct str *ret_token);

/* Whether address, `hop` steps away (0: the connection's peer), is a proxy whose
 * X-Forwarded-For may be believed. */
typedef bool field_trusted_f(void *arg, struct str address, uint32_t hop);

/* The client's address: the peer itself if it is not trusted, else the nearest
 * address in X-Forwarded-For that is not; the farthest one if all are. Stops at
 * text that is no address. Ports and brackets are taken off. The result is
 * borrowed from peer or h. */
struct str field_client_address(const struct http1_headers *h, struct str peer,
                                field_trusted_f *trusted, void *arg);

#endif
