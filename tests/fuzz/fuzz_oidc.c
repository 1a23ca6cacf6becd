/* Any bytes as an issuer's description, as an address, and as a Cache-Control. */
#include "base/str.h"
#include "wire/oidc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = {data, n};
    char url[OIDC_URL_MAX];
    uint64_t s;

    if (oidc_config_read(text, STR("https://a"), url))
        assert(oidc_url_right(str_of(url)));
    if (oidc_url_right(text))
        oidc_config_url(text, url);
    (void)!oidc_max_age(text, &s);
    return 0;
}
