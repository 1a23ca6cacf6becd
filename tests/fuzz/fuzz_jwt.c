/* Any bytes as a token, and as the header and claims (parted by the first
 * newline) of one that is rightly signed; what is accepted signs anew. */
#include "base/base64.h"
#include "base/str.h"
#include "wire/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct str secret = {(const uint8_t *)"0123456789abcdef0123456789abcdef", 32};

static void check(struct str token)
{
    uint8_t scratch[JWT_SCRATCH_MIN], again[JWT_SCRATCH_MIN];
    struct buf b CLEANUP(buf_fini);
    struct jwt_claims c, got;
    enum jwt_result result;

    if (jwt_verify(secret, token, 1000, scratch, sizeof(scratch), &c) != JWT_OK)
        return;
    assert(c.user_id > 0 && c.expires_s + JWT_SKEW_S > 1000);
    buf_init(&b, 1 << 20);
    jwt_sign(secret, &c, &b);
    if (b.failed) /* escapes may have made it longer */
        return;
    result = jwt_verify(secret, buf_peek(&b), 1000, again, sizeof(again), &got);
    assert(result == JWT_OK && got.user_id == c.user_id && got.expires_s == c.expires_s);
    assert(str_eq(got.name, c.name) && str_eq(got.session, c.session));
    assert(got.issued_s == c.issued_s && got.owner == c.owner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf b CLEANUP(buf_fini);
    uint8_t mac[JWT_MAC_N];
    struct str rest = {data, n};

    check(rest);
    buf_init(&b, 1 << 20);
    base64_append(&b, BASE64_URL, str_cut(&rest, '\n'));
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, rest);
    jwt_mac(secret, buf_peek(&b), mac);
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, (struct str){mac, sizeof(mac)});
    check(buf_peek(&b));
    return 0;
}
