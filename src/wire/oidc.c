#include "wire/oidc.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 8, ROOM_FOR_PATH = 64 };

static bool is_local(struct str authority)
{
    struct str host = authority;

    if (str_starts(authority, STR("[::1]")))
        return authority.n == 5 || authority.p[5] == ':';
    host = str_cut(&authority, ':');
    return str_eq(host, STR("127.0.0.1")) || str_eq(host, STR("localhost"));
}

bool oidc_url_right(struct str url)
{
    bool secure = str_starts(url, STR("https://"));
    struct str rest, authority;

    if (url.n > OIDC_URL_MAX - ROOM_FOR_PATH || (!secure && !str_starts(url, STR("http://"))))
        return false;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] >= 0x7f || strchr("\"<>\\^`{|}#@", url.p[i]) != NULL)
            return false;
    rest = str_skip(url, secure ? 8 : 7);
    authority = str_cut(&rest, '/');
    return authority.n > 0 && memchr(authority.p, '?', authority.n) == NULL &&
           (secure || is_local(authority));
}

static void oidc_copy(struct str from, const char *more, char to[static OIDC_URL_MAX])
{
    int n = snprintf(to, OIDC_URL_MAX, "%.*s%s", STR_ARGS(from), more);

    assert(n >= 0 && n < OIDC_URL_MAX);
}

/* §4: a slash at the end is taken off first. */
void oidc_config_url(struct str issuer, char ret_url[static OIDC_URL_MAX])
{
    assert(oidc_url_right(issuer));
    if (issuer.p[issuer.n - 1] == '/')
        issuer.n--;
    oidc_copy(issuer, "/.well-known/openid-configuration", ret_url);
}

static bool read_config(struct json *j, struct str *ret_issuer, struct str *ret_keys)
{
    enum json_token t;

    if (json_next(j) != JSON_OBJECT)
        return false;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        struct str *to = NULL;

        if (str_eq(j->key, STR("issuer")))
            to = ret_issuer;
        else if (str_eq(j->key, STR("jwks_uri")))
            to = ret_keys;
        if (to == NULL) {
            if (!json_skip(j, t))
                return false;
            continue;
        }
        if (t != JSON_STRING || to->p != NULL)
            return false;
        *to = j->str;
    }
    return json_next(j) == JSON_END;
}

bool oidc_config_read(struct str text, struct str issuer, char ret_url[static OIDC_URL_MAX])
{
    struct str said = {0}, keys = {0};
    struct json j;
    uint8_t *bytes;
    bool ok;

    if (text.n > OIDC_CONFIG_MAX)
        return false;
    bytes = mem_bytes(text.n + 1);
    if (text.n > 0)
        memcpy(bytes, text.p, text.n);
    json_init(&j, bytes, text.n, DEPTH_MAX);
    ok = read_config(&j, &said, &keys) && str_eq(said, issuer) && oidc_url_right(keys);
    if (ok)
        oidc_copy(keys, "", ret_url);
    free(bytes);
    return ok;
}

bool oidc_max_age(struct str cache_control, uint64_t *ret_s)
{
    bool found = false;

    while (cache_control.n > 0) {
        struct str value = str_cut(&cache_control, ',');
        struct str name = str_trim(str_cut(&value, '='));

        if (str_eq_nocase(name, STR("no-store")) || str_eq_nocase(name, STR("no-cache"))) {
            *ret_s = 0;
            return true;
        }
        if (str_eq_nocase(name, STR("max-age")) && str_to_u64(str_trim(value), ret_s))
            found = true;
    }
    return found;
}
