/* Any bytes as a request that may be signed. */
#include "base/str.h"
#include "wire/sigv4_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct sigv4_key derived;

static struct str secret(void *ctx, struct str access_key, struct sigv4_key **ret_key)
{
    (void)ctx;
    *ret_key = &derived;
    return access_key.p[0] == 'A' ? STR("secret") : (struct str){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sigv4_verifier v = {.secret = secret,
                               .region = STR("us-east-1"),
                               .service = STR("execute-api"),
                               .now_s = 1440938160,
                               .window_s = 300};
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_request r;
    struct str key = {0};
    size_t used;
    int status;

    if (http1_parse_request((struct str){data, n}, &limits, &r, &used, &status) == HTTP1_OK)
        (void)!sigv4_verify(&v, &r, STR("body"), &key);
    return 0;
}
