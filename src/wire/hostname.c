#include "wire/hostname.h"

#include "base/str.h"
#include "wire/http1.h"

static const struct str local_domains[] = {
    {(const uint8_t *)"local", 5},
    {(const uint8_t *)"lan", 3},
    {(const uint8_t *)"home.arpa", 9},
};

/* Fields of proxies besides X-Forwarded-*: RFC 7239, RFC 9110 7.6.3, RFC 8586, and of
 * nginx, Cloudflare, Akamai, Fastly, Azure, Google and Fly. */
static const struct str forwarding[] = {
    {(const uint8_t *)"forwarded", 9},
    {(const uint8_t *)"via", 3},
    {(const uint8_t *)"cdn-loop", 8},
    {(const uint8_t *)"x-real-ip", 9},
    {(const uint8_t *)"x-client-ip", 11},
    {(const uint8_t *)"x-cluster-client-ip", 19},
    {(const uint8_t *)"x-original-host", 15},
    {(const uint8_t *)"x-original-forwarded-for", 24},
    {(const uint8_t *)"x-proxyuser-ip", 14},
    {(const uint8_t *)"x-envoy-external-address", 24},
    {(const uint8_t *)"x-appengine-user-ip", 19},
    {(const uint8_t *)"x-azure-clientip", 16},
    {(const uint8_t *)"x-amzn-trace-id", 15},
    {(const uint8_t *)"cf-connecting-ip", 16},
    {(const uint8_t *)"cf-connecting-ipv6", 18},
    {(const uint8_t *)"cf-ray", 6},
    {(const uint8_t *)"true-client-ip", 14},
    {(const uint8_t *)"fastly-client-ip", 16},
    {(const uint8_t *)"fly-client-ip", 13},
    {(const uint8_t *)"client-ip", 9},
};

static struct str without_dot(struct str s)
{
    if (s.n > 1 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

struct str hostname_of(struct str authority)
{
    struct str rest = authority;

    if (authority.n == 0 || authority.p[0] != '[')
        return without_dot(str_cut(&rest, ':'));
    rest = str_skip(authority, 1);
    return str_cut(&rest, ']');
}

struct str hostname_of_origin(struct str origin)
{
    if (str_starts(origin, STR("https://")))
        return str_skip(origin, 8);
    if (str_starts(origin, STR("http://")))
        return str_skip(origin, 7);
    return (struct str){0};
}

static bool ends_nocase(struct str s, struct str end)
{
    return s.n >= end.n && str_eq_nocase(str_skip(s, s.n - end.n), end);
}

/* Four decimal numbers of 0 to 255. */
static bool is_ip4(struct str s)
{
    unsigned parts = 0;

    if (s.n > 0 && s.p[s.n - 1] == '.')
        return false;
    while (s.n > 0 || parts == 0) {
        struct str part = str_cut(&s, '.');
        uint64_t v;

        if (part.n > 3 || !str_to_u64(part, &v) || v > 255)
            return false;
        parts++;
    }
    return parts == 4;
}

static bool is_ip6(struct str s)
{
    return s.n > 0 && memchr(s.p, ':', s.n) != NULL;
}

bool hostname_is_loopback(struct str name)
{
    return str_eq_nocase(name, STR("localhost")) || ends_nocase(name, STR(".localhost")) ||
           (str_starts(name, STR("127.")) && is_ip4(name)) || str_eq(name, STR("::1"));
}

bool hostname_is_address(struct str name)
{
    return is_ip4(name) || is_ip6(name);
}

bool hostname_matches(struct str authority, struct str pattern)
{
    struct str name = hostname_of(authority);

    if (str_eq(pattern, STR("*")))
        return true;
    if (name.n == 0)
        return false;
    if (str_starts(pattern, STR("*.")))
        return name.n > pattern.n - 1 && ends_nocase(name, str_skip(pattern, 1));
    return str_eq_nocase(authority, pattern) || str_eq_nocase(name, pattern) ||
           (pattern.n > 0 && pattern.p[0] == '[' && hostname_of(pattern).n == pattern.n - 2 &&
            str_eq_nocase(name, hostname_of(pattern)));
}

bool hostname_is_own(struct str authority, struct str own)
{
    struct str name = hostname_of(authority), rest = without_dot(own), label;

    if (rest.n == 0 || name.n == 0)
        return false;
    if (str_eq_nocase(name, rest))
        return true;
    label = str_cut(&rest, '.');
    if (label.n == 0 || name.n < label.n || !str_eq_nocase((struct str){name.p, label.n}, label))
        return false;
    rest = str_skip(name, label.n);
    if (rest.n == 0)
        return true;
    for (size_t i = 0; i < COUNTOF(local_domains); i++)
        if (rest.p[0] == '.' && str_eq_nocase(str_skip(rest, 1), local_domains[i]))
            return true;
    return false;
}

bool hostname_is_forwarded(const struct http1_headers *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct str name = h->at[i].name;

        if (name.n > 12 && str_eq_nocase((struct str){name.p, 12}, STR("x-forwarded-")))
            return true;
        for (size_t k = 0; k < COUNTOF(forwarding); k++)
            if (str_eq_nocase(name, forwarding[k]))
                return true;
    }
    return false;
}
