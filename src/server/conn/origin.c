#include "server/conn/origin.h"

#include "base/str.h"
#include "io/addr.h"
#include "io/tls_context.h"
#include "server/conn/conn.h"
#include "server/conn/limits.h"
#include "server/conn/refusal.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "wire/field.h"
#include "wire/hostname.h"

#include <stdio.h>

static const struct conf *conf_of(const struct exchange *x)
{
    return x->worker->server->conf;
}

static const struct http1_headers *headers_of(const struct exchange *x)
{
    return &x->request->headers;
}

/* Whose request it is. */

static bool trusted(void *arg, struct str address, uint32_t hop)
{
    const struct exchange *x = arg;
    struct io_addr addr;

    if (conf_of(x)->trusted_proxies.n == 0)
        return false;
    addr = x->peer;
    if ((hop > 0 || addr.family != IO_ADDR_UNIX) && !addr_parse_ip(address, &addr))
        return false;
    return limits_is_trusted(conf_of(x), &addr);
}

void origin_find(struct exchange *x)
{
    const struct http1_headers *headers = headers_of(x);
    char peer[IO_ADDR_TEXT_MAX];
    struct str text = {(const uint8_t *)peer, addr_format_ip(&x->peer, peer)};
    struct str client = field_client_address(headers, text, trusted, x), proto, name;
    size_t n = MIN(client.n, sizeof(x->address) - 1);

    assert(x->request != NULL);
    memcpy(x->address, client.p, n);
    x->address[n] = '\0';
    /* nginx asks in HTTP/1.0, with no mark of its own, unless it is told otherwise. */
    x->local = (addr_is_loopback(&x->peer) || x->peer.family == IO_ADDR_UNIX) &&
               x->request->minor > 0 && !hostname_is_forwarded(headers);
    x->proxied = trusted(x, text, 0);
    if (x->proxied && http1_get(headers, STR("x-forwarded-proto"), &proto))
        x->secure = str_eq_nocase(proto, STR("https"));
    name = hostname_of(origin_host(x));
    x->strict = x->secure && !hostname_is_loopback(name) && !hostname_is_address(name);
}

struct io_addr origin_client(const struct exchange *x)
{
    struct io_addr addr;

    return addr_parse_ip(str_of(x->address), &addr) ? addr : x->peer;
}

uint64_t origin_wait_ms(const struct exchange *x)
{
    struct io_addr from = origin_client(x);
    uint64_t wait_ms = limits_connect(x->worker, &from);

    if (wait_ms > 0)
        refusal_say(x->worker, REFUSAL_RATE, str_of(x->address));
    return wait_ms;
}

/* The host. */

struct str origin_host(const struct exchange *x)
{
    struct str host;

    if (x->proxied && http1_get(headers_of(x), STR("x-forwarded-host"), &host) && host.n > 0)
        return host;
    return x->request->host;
}

/* By --hosts, or without them by the hosts of --origins. */
static bool is_listed_host(const struct conf *conf, struct str host)
{
    for (size_t i = 0; i < conf->hosts.n; i++)
        if (hostname_matches(host, str_of(conf->hosts.items[i])))
            return true;
    for (size_t i = 0; conf->hosts.n == 0 && i < conf->origins.n; i++) {
        struct str origin = str_of(conf->origins.items[i]);

        if (str_eq(origin, STR("*")) ||
            hostname_matches(host, hostname_of(hostname_of_origin(origin))))
            return true;
    }
    return false;
}

/* No name can be made to resolve to what a browser was given as an address. Which
 * addresses are its own a machine cannot tell where they are translated (containers,
 * clouds): so all are taken from the network, and none on the loopback. */
static bool is_own_address(const struct exchange *x, struct str name)
{
    struct io_addr here;

    if (x->conn == NULL || !hostname_is_address(name))
        return false;
    io_local(conn_io(x->conn), x->conn->recv.fd, &here);
    return here.family != IO_ADDR_UNIX && !addr_is_loopback(&here);
}

/* A browser has compared the certificate with the name. */
static bool is_certified(const struct exchange *x, struct str name)
{
    return x->conn != NULL && x->conn->secure && tls_context_is_for(x->worker->tls_context, name);
}

bool origin_host_allowed(const struct exchange *x)
{
    struct str host = origin_host(x), name = hostname_of(host);
    struct str own = log_str_of(x->worker->server->o.hostname);

    if (hostname_is_loopback(name) || is_listed_host(conf_of(x), host) ||
        hostname_is_own(host, own) || is_own_address(x, name) || is_certified(x, name))
        return true;
    refusal_say(x->worker, REFUSAL_HOST, host);
    return false;
}

/* The web page. */

static bool is_own_origin(const struct exchange *x, struct str origin)
{
    struct str authority = hostname_of_origin(origin);

    return authority.n > 0 && str_eq_nocase(authority, origin_host(x));
}

bool origin_is_listed(const struct conf *conf, struct str origin)
{
    const struct conf_list *list = &conf->origins;

    for (size_t i = 0; i < list->n; i++)
        if (str_eq(str_of(list->items[i]), STR("*")) ||
            str_eq_nocase(str_of(list->items[i]), origin))
            return true;
    return false;
}

bool origin_is_ours(struct worker *w, struct str origin)
{
    const struct conf *conf = w->server->conf;
    struct str authority = hostname_of_origin(origin), name = hostname_of(authority);

    if (hostname_is_loopback(name) || origin_is_listed(conf, origin) ||
        is_listed_host(conf, authority) ||
        hostname_is_own(authority, log_str_of(w->server->o.hostname)) ||
        (w->tls_context != NULL && tls_context_is_for(w->tls_context, name)))
        return true;
    refusal_say(w, REFUSAL_ORIGIN, origin);
    return false;
}

bool origin_allowed(const struct exchange *x)
{
    struct str origin;

    if (!http1_get(headers_of(x), STR("origin"), &origin) || is_own_origin(x, origin) ||
        origin_is_listed(conf_of(x), origin))
        return true;
    refusal_say(x->worker, REFUSAL_ORIGIN, origin);
    return false;
}

bool origin_same_site(const struct exchange *x)
{
    struct str site;

    if (http1_count(headers_of(x), STR("origin")) > 0)
        return origin_allowed(x);
    if (!http1_get(headers_of(x), STR("sec-fetch-site"), &site) ||
        str_eq_nocase(site, STR("same-origin")) || str_eq_nocase(site, STR("none")))
        return true;
    refusal_say(x->worker, REFUSAL_ORIGIN, site);
    return false;
}

void origin_note(struct exchange *x)
{
    struct str origin;

    x->origin[0] = '\0';
    if (!http1_get(headers_of(x), STR("origin"), &origin) || origin.n >= sizeof(x->origin) ||
        !origin_is_listed(conf_of(x), origin))
        return;
    memcpy(x->origin, origin.p, origin.n);
    x->origin[origin.n] = '\0';
}
