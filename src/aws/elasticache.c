#include "aws/elasticache.h"

#include "base/str.h"
#include "wire/url.h"

enum { NAME_MAX_N = 63, USER_MAX_N = 256, EXPIRES_S = 900, TEXT_MAX = 32 * 1024 };

/* The name as a host, in lower case. */
static bool take_cache(char host[static NAME_MAX_N + 1], struct str name)
{
    if (name.n == 0 || name.n > NAME_MAX_N)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];

        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + 'a' - 'A');
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
        host[i] = (char)c;
    }
    host[name.n] = '\0';
    return true;
}

bool elasticache_password(struct sigv4_key *k, const struct sigv4_credentials *c,
                          const struct elasticache_login *l, uint64_t now_s, struct buf *out)
{
    struct buf query CLEANUP(buf_fini), signature CLEANUP(buf_fini);
    struct sigv4_request r = {
        .method = STR("GET"),
        .path = STR("/"),
        .region = l->region,
        .service = STR("elasticache"),
        .now_s = now_s,
        .expires_s = EXPIRES_S,
    };
    char host[NAME_MAX_N + 1];

    buf_init(&query, TEXT_MAX);
    buf_init(&signature, TEXT_MAX);
    if (!take_cache(host, l->cache) || l->user.n == 0 || l->user.n > USER_MAX_N || l->region.n == 0)
        return false;
    buf_append(&query, STR("Action=connect&"));
    if (l->serverless)
        buf_append(&query, STR("ResourceType=ServerlessCache&"));
    buf_append(&query, STR("User="));
    url_encode(&query, l->user);
    r.host = str_of(host);
    r.query = buf_peek(&query);
    if (!sigv4_query(k, c, &r, &signature) || signature.failed)
        return false;
    buf_printf(out, "%s/?%.*s", host, STR_ARGS(buf_peek(&signature)));
    return !out->failed;
}
