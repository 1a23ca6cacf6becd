/* origin.h: where a request comes from: the client's address, the host that it names, the
 * web page that sends it. None of these is an identity: they refuse, and never grant. A
 * name that resolves to this machine (DNS rebinding) is refused by its Host; a page
 * elsewhere, by its Origin. What a proxy says counts only from --trusted-proxies. */
#ifndef SERVER_CONN_ORIGIN_H
#define SERVER_CONN_ORIGIN_H

#include "server/conn/exchange.h"

struct conf;
struct worker;

/* Sets address, local, proxied, secure and strict, by peer and request; secure says before
 * whether the other end speaks TLS. Local: it came from this machine itself, over no proxy that
 * has left a mark. */
void origin_find(struct exchange *x);

/* Returns whose the request is: the peer, or who a trusted proxy says. */
struct io_addr origin_client(const struct exchange *x);

/* Asks for a login, or a connection without a valid token, of that client: returns 0, or after how
 * many ms there may be one; the log says so. */
uint64_t origin_wait_ms(const struct exchange *x) MUST_CHECK;

/* The authority that the client asked for: of Host, or of a trusted proxy's
 * X-Forwarded-Host. Borrows from the request. */
struct str origin_host(const struct exchange *x);

/* Returns true if that host is the loopback's, our own or a listed one. The log says why not. */
bool origin_host_allowed(const struct exchange *x) MUST_CHECK;

/* Returns true if the browser's Origin, if there is one, belongs to us. The log says why not. */
bool origin_allowed(const struct exchange *x) MUST_CHECK;

/* Returns true if the origin is one of --origins. */
bool origin_is_listed(const struct conf *conf, struct str origin) MUST_CHECK;

/* Is that the origin of a page of this server, whatever asks? One of --origins, or at a host that
 * it answers to by name. The log says why not. */
bool origin_is_ours(struct worker *w, struct str origin) MUST_CHECK;

/* As origin_allowed, and where there is no Origin the browser does not say (Sec-Fetch-Site) that
 * another site sends the request. */
bool origin_same_site(const struct exchange *x) MUST_CHECK;

/* Copies the Origin into x->origin if it is a listed one (CORS); else empties it. */
void origin_note(struct exchange *x);

#endif
