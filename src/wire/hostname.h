/* hostname.h: the host that a request names, in Host, X-Forwarded-Host or Origin: is
 * the name this machine's loopback, an address, or one of a list? Case and a dot at the
 * end do not count (RFC 9110 4.2.3, RFC 1034 3.1). */
#ifndef WIRE_HOSTNAME_H
#define WIRE_HOSTNAME_H

#include "base/base.h"

struct http1_headers;

/* "chat.example.org" of "chat.example.org.:8080"; "::1" of "[::1]:8080". The result
 * borrows from authority; it is empty if there is no name. */
struct str hostname_of(struct str authority);

/* The authority of "https://example.org:8443"; empty of what is no web origin. */
struct str hostname_of_origin(struct str origin);

/* Is the name localhost, a name below it (RFC 6761 6.3), 127.0.0.0/8 or ::1? */
bool hostname_is_loopback(struct str name);

/* Is the name an IPv4 address in its four decimal parts, or an IPv6 address? */
bool hostname_is_address(struct str name);

/* Does an authority match a pattern of a list: "*", "NAME" (on every port),
 * "NAME:PORT", or "*.NAME" (each name below NAME)? */
bool hostname_matches(struct str authority, struct str pattern);

/* Is the authority `own`, its first label, or that label in .local, .lan or .home.arpa?
 * False if own is empty. */
bool hostname_is_own(struct str authority, struct str own);

/* Has a proxy left its mark: is there a field that only proxies add? */
bool hostname_is_forwarded(const struct http1_headers *h);

#endif
