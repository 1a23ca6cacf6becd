#include "issuer/issuer_keys.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 5000
#define OLD_MIN_MS (5 * 60 * 1000u)
#define OLD_MS (60 * 60 * 1000u)
#define OLD_MAX_MS (24 * 60 * 60 * 1000u)

static void issuer_keys_end(struct issuer_keys *k, struct jwks *keys, const char *why)
{
    uint64_t said_s;

    k->ret_keys = keys;
    k->ret_why = why;
    k->ret_old_ms = OLD_MS;
    if (oidc_max_age(http_client_header(&k->req, "cache-control"), &said_s))
        k->ret_old_ms =
            said_s >= OLD_MAX_MS / 1000 ? OLD_MAX_MS : MAX(said_s * 1000, (uint64_t)OLD_MIN_MS);
    http_client_request_fini(&k->req);
    k->done(k);
}

/* NULL: a whole answer with status 200 came; else what went wrong. */
static const char *wrong_with(struct issuer_keys *k)
{
    if (k->req.ret_error < 0)
        return http_client_error(&k->req);
    if (k->req.ret_status == 200)
        return NULL;
    (void)snprintf(k->why, sizeof(k->why), "it answered %u", k->req.ret_status);
    return k->why;
}

static void issuer_keys_submit(struct issuer_keys *k, http_done_f *done)
{
    static const char *const headers[] = {"Accept: application/json", NULL};

    http_client_request_fini(&k->req);
    k->req = (struct http_request){.home = k->home,
                                   .done = done,
                                   .method = "GET",
                                   .url = k->ret_url,
                                   .headers = headers,
                                   .timeout_ms = TIMEOUT_MS,
                                   .response_max = JWKS_SIZE_MAX,
                                   .ca_file = k->ca_file[0] != '\0' ? k->ca_file : NULL};
    http_client_submit(k->client, &k->req);
}

/* Nobody wants to know any more. */
static bool is_over(struct issuer_keys *k)
{
    if (k->stopped)
        http_client_request_fini(&k->req);
    return k->stopped;
}

static void keys_came(struct http_request *req)
{
    struct issuer_keys *k = CONTAINER_OF(req, struct issuer_keys, req);
    struct jwks *keys = NULL;
    enum jwks_result r;
    const char *why;

    if (is_over(k))
        return;
    why = wrong_with(k);
    if (why == NULL) {
        r = jwks_parse(buf_peek(&req->ret_body), &keys);
        why = r == JWKS_OK ? NULL : jwks_why(r);
    }
    issuer_keys_end(k, why == NULL ? keys : NULL, why);
}

static void description_came(struct http_request *req)
{
    struct issuer_keys *k = CONTAINER_OF(req, struct issuer_keys, req);
    char url[OIDC_URL_MAX];
    const char *why;

    if (is_over(k))
        return;
    why = wrong_with(k);
    if (why == NULL && !oidc_config_read(buf_peek(&req->ret_body), k->issuer, url))
        why = "it does not describe this issuer, with a jwks_uri over https";
    if (why != NULL) {
        issuer_keys_end(k, NULL, why);
        return;
    }
    memcpy(k->ret_url, url, sizeof(k->ret_url));
    issuer_keys_submit(k, keys_came);
}

void issuer_keys_start(struct issuer_keys *k)
{
    assert(k->done != NULL && k->client != NULL && !k->stopped);
    if (k->url[0] == '\0') {
        oidc_config_url(k->issuer, k->ret_url);
        issuer_keys_submit(k, description_came);
        return;
    }
    (void)snprintf(k->ret_url, sizeof(k->ret_url), "%s", k->url);
    issuer_keys_submit(k, keys_came);
}

void issuer_keys_stop(struct issuer_keys *k)
{
    k->stopped = true;
}

void issuer_keys_fini(struct issuer_keys *k)
{
    http_client_request_fini(&k->req);
}

bool issuer_keys_is_url(const char *text)
{
    return strstr(text, "://") != NULL;
}

const char *issuer_keys_wrong(const char *issuer, const char *url)
{
    if (!oidc_url_right(str_of(issuer)))
        return "issuer must be an address with https://, or http:// on this machine";
    if (issuer_keys_is_url(url) && !oidc_url_right(str_of(url)))
        return "jwks must be a file, or an address with https://, or http:// on this machine";
    return NULL;
}
