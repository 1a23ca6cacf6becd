#include "gateway/signature.h"

#include "base/str.h"

enum { SIGNED_WINDOW_S = 300 };

static struct gateway_key *find_key(const struct gateway *g, struct str id)
{
    for (size_t i = 0; i < g->keys_n; i++)
        if (str_eq(id, str_of(g->keys[i].id)))
            return &g->keys[i];
    return NULL;
}

static struct str secret_of(void *ctx, struct str access_key, struct sigv4_key **ret_key)
{
    struct gateway_key *k = find_key(ctx, access_key);

    if (k == NULL)
        return (struct str){0};
    *ret_key = &k->derived;
    return str_of(k->secret);
}

enum sigv4_verdict signature_judge(struct gateway *g, const struct http1_request *r,
                                   struct str body, bool *ret_denied)
{
    struct sigv4_verifier v = {.secret = secret_of,
                               .ctx = g,
                               .region = str_of(g->about.region),
                               .service = STR("execute-api"),
                               .now_s = io_wall_ms(g->io) / 1000,
                               .window_s = SIGNED_WINDOW_S};
    struct str access_key = {0};
    enum sigv4_verdict verdict = sigv4_verify(&v, r, body, &access_key);

    if (verdict == SIGV4_GOOD)
        *ret_denied = find_key(g, access_key)->denied;
    return verdict;
}

bool signature_is_good(struct gateway *g, const struct http1_request *r)
{
    bool denied = false;

    return !g->limits.check_signatures ||
           (signature_judge(g, r, (struct str){0}, &denied) == SIGV4_GOOD && !denied);
}
