#include "bus/bus_redis_url.h"

#include "base/str.h"
#include "wire/url.h"

#include <stdio.h>
#include <string.h>

#define PORT ":6379"

static bool url_fail(char why[static BUS_REDIS_WHY_MAX], struct str url, const char *what)
{
    struct str at = url;

    /* A password is not repeated. */
    while (at.n > 0 && at.p[at.n - 1] != '@')
        at.n--;
    (void)snprintf(why, BUS_REDIS_WHY_MAX, "bus: '%s%.*s': %s", at.n > 0 ? "..." : "",
                   STR_ARGS(str_skip(url, at.n)), what);
    return false;
}

static bool take_part(struct str part, char *to, size_t max)
{
    uint8_t out[1024];
    size_t n;

    if (part.n >= max || part.n > sizeof(out) || !url_decode(part, URL_PLUS_IS_PLUS, out, &n))
        return false;
    memcpy(to, out, n);
    to[n] = '\0';
    return true;
}

/* user:password, :password or password alone; where the password is asked for, user alone. */
static bool take_who(struct redis_target *t, struct str who, bool asked)
{
    struct str rest = who, first = str_cut(&rest, ':');

    if (first.n == who.n && asked)
        return take_part(who, t->user, sizeof(t->user));
    if (first.n == who.n)
        return take_part(who, t->password, sizeof(t->password));
    return take_part(first, t->user, sizeof(t->user)) &&
           take_part(rest, t->password, sizeof(t->password));
}

static bool take_host(struct redis_target *t, struct str host)
{
    bool bare = host.n > 0 && (memchr(host.p, ':', host.n) == NULL || host.p[host.n - 1] == ']');
    struct str name;

    if (host.n == 0 || host.n + sizeof(PORT) > sizeof(t->host))
        return false;
    (void)snprintf(t->host, sizeof(t->host), "%.*s%s", STR_ARGS(host), bare ? PORT : "");
    name = host.p[0] == '[' ? str_skip(host, 1) : host;
    name = str_cut(&name, host.p[0] == '[' ? ']' : ':');
    (void)snprintf(t->name, sizeof(t->name), "%.*s", STR_ARGS(name));
    return true;
}

static bool take_target(struct redis_target *t, struct str url, bool asked,
                        char why[static BUS_REDIS_WHY_MAX])
{
    struct str rest = url, authority, host;
    uint64_t db = 0;

    t->tls = str_starts(url, STR("rediss://"));
    if (!t->tls && !str_starts(url, STR("redis://")))
        return url_fail(why, url, "a bus is 'local', or begins with redis:// or rediss://");
    rest = str_skip(rest, t->tls ? 9 : 8);
    authority = str_cut(&rest, '/');
    if (rest.n > 0 && (!str_to_u64(rest, &db) || db > 1000))
        return url_fail(why, url, "behind the host there is the number of a database, or nothing");
    t->db = (unsigned)db;
    host = authority;
    while (host.n > 0 && memchr(host.p, '@', host.n) != NULL)
        (void)str_cut(&host, '@');
    if (host.n < authority.n &&
        !take_who(t, (struct str){authority.p, authority.n - host.n - 1}, asked))
        return url_fail(why, url, "its user or password is too long or not encoded rightly");
    if (!take_host(t, host))
        return url_fail(why, url, "there is no host in it");
    return true;
}

bool bus_redis_url(const char *url, bool asked, struct redis_targets *ret,
                   char why[static BUS_REDIS_WHY_MAX])
{
    struct str rest = str_of(url);

    assert(ret->n == 0);
    while (rest.n > 0) {
        struct str one = str_trim(str_cut(&rest, ','));

        if (one.n == 0)
            continue;
        if (ret->n == COUNTOF(ret->list))
            return url_fail(why, one, "there are too many");
        if (!take_target(&ret->list[ret->n++], one, asked, why))
            return false;
        if (ret->list[ret->n - 1].tls != ret->list[0].tls)
            return url_fail(why, one, "all are rediss://, or none is");
    }
    return ret->n > 0 || url_fail(why, str_of(url), "there is no address");
}
