/* Any bytes as a set of keys: what is taken keeps its bounds, and what of it can
 * be published is read back as the same keys. */
#include "base/str.h"
#include "wire/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct jwks *s, *again;
    struct buf b CLEANUP(buf_fini), twice CLEANUP(buf_fini);
    enum jwks_result r = jwks_parse((struct str){data, n}, &s);

    assert(jwks_why(r) != NULL);
    if (r != JWKS_OK)
        return 0;
    assert(jwks_count(s) > 0 && jwks_count(s) <= JWKS_KEYS_MAX);
    buf_init(&b, 1 << 20);
    buf_init(&twice, 1 << 20);
    jwks_publish(s, &b);
    r = jwks_parse(buf_peek(&b), &again);
    if (r == JWKS_OK) {
        jwks_publish(again, &twice);
        assert(str_eq(buf_peek(&b), buf_peek(&twice)));
        jwks_unref(again);
    } else {
        /* None can be published; or kids that had to be escaped made it longer. */
        assert(r == JWKS_EMPTY || r == JWKS_TOO_BIG);
    }
    jwks_unref(s);
    return 0;
}
