/* url.h: percent-encoding and query strings: RFC 3986 2.1 and the form encoding
 * of the WHATWG URL standard. */
#ifndef WIRE_URL_H
#define WIRE_URL_H

#include "base/base.h"
#include "base/buf.h"

enum url_plus {
    URL_PLUS_IS_PLUS,  /* paths */
    URL_PLUS_IS_SPACE, /* query parameters, forms */
};

/* Decodes s into out, which has s.n bytes. False for a '%' without two hex
 * digits and for %00. */
bool url_decode(struct str s, enum url_plus plus, uint8_t *out, size_t *ret_n) MUST_CHECK;

/* Appends s with everything encoded but the unreserved characters of RFC 3986
 * 2.3. */
void url_encode(struct buf *b, struct str s);

/* Finds host, with its port if the url has one, and path, "" or from '/' on, query included. False
 * if the url has no scheme or no host. */
bool url_split(struct str url, struct str *ret_host, struct str *ret_path) MUST_CHECK;

/* Takes the next "name=value" off *query, not decoded; empty ones are skipped.
 * False at the end. */
bool url_query_next(struct str *query, struct str *ret_name, struct str *ret_value);

/* Finds the first parameter with that name and decodes its value into out,
 * which has out_max bytes. False if there is none, it is too long or broken. */
bool url_query_get(struct str query, struct str name, uint8_t *out, size_t out_max,
                   size_t *ret_n) MUST_CHECK;

#endif
