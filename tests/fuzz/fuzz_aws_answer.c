/* Any bytes as what hands out credentials: what is taken can be put in a header. */
#include "aws/answer.h"
#include "aws/metadata_url.h"
#include "aws/profile.h"
#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct answer *a)
{
    assert(a->access_key[0] != '\0' && a->secret_key[0] != '\0');
    for (const char *c = a->token; *c != '\0'; c++)
        assert(*c > ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = {data, n};
    struct profile p = {0};
    char *copy = str_dup(s);
    struct answer a;

    if (answer_sts(&a, s))
        check(&a);
    if (answer_json(&a, (uint8_t *)copy, n))
        check(&a);
    free(copy);
    profile_read(s, PROFILE_CREDENTIALS, STR("default"), &p);
    profile_read(s, PROFILE_CONFIG, STR("x"), &p);
    assert(p.found || (p.access_key.n == 0 && p.region.n == 0));
    if (metadata_url_is_allowed(s))
        assert(str_starts(s, STR("http")));
    return 0;
}
