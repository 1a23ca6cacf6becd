/* Any bytes as a token, and as the header and claims (parted by the first
 * newline) of one that is rightly signed, by a secret and by a key: as an own
 * token, which when it is accepted signs anew, and as an issuer's. */
#include "base/base64.h"
#include "base/str.h"
#include "lib/jwk_samples.h"
#include "wire/jwt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct jwks *keys, *issuers;
static struct jws_key *secret, *ed25519;
static const struct str texts[] = {{(const uint8_t *)"chat", 4}, {(const uint8_t *)"name", 4}};
static const struct jwt_rules rules = {.issuer = {(const uint8_t *)"iss", 3},
                                       .audiences = texts,
                                       .audiences_n = 1,
                                       .names = texts,
                                       .names_n = COUNTOF(texts)};

static void make_keys(void)
{
    enum jwks_result r = jwks_parse(STR("{\"keys\":[" JWK_SAMPLES_OKP "]}"), &issuers);

    if (r != JWKS_OK)
        abort();
    keys = jwks_new();
    secret = jws_key_secret(STR("0123456789abcdef0123456789abcdef"));
    ed25519 = jws_key_pem(STR(JWK_SAMPLES_OKP_PEM));
    jwks_add_take(keys, (struct str){0}, secret);
    jwks_add_take(keys, STR("okp"), ed25519);
}

static void check_own(struct str token)
{
    uint8_t scratch[JWT_SCRATCH_MIN], again[JWT_SCRATCH_MIN];
    struct buf b CLEANUP(buf_fini);
    struct jwt_claims c, got;
    enum jwt_result result;

    if (jwt_verify(keys, token, 1000, scratch, sizeof(scratch), &c) != JWT_OK)
        return;
    assert(c.user_id > 0 && c.expires_s + JWT_SKEW_S > 1000);
    buf_init(&b, 1 << 20);
    jwt_sign(secret, (struct str){0}, &c, &b);
    if (b.failed) /* escapes may have made it longer */
        return;
    result = jwt_verify(keys, buf_peek(&b), 1000, again, sizeof(again), &got);
    assert(result == JWT_OK && got.user_id == c.user_id && got.expires_s == c.expires_s);
    assert(str_eq(got.name, c.name) && str_eq(got.session, c.session));
    assert(got.issued_s == c.issued_s && got.owner == c.owner);
}

static void check(struct str token)
{
    uint8_t scratch[JWT_SCRATCH_MIN];
    struct jwt_issued c;

    check_own(token);
    if (jwt_verify_issued(&rules, issuers, token, 1000, scratch, sizeof(scratch), &c) != JWT_OK)
        return;
    assert(c.subject.n > 0 && c.subject.n <= JWT_SUBJECT_MAX && c.expires_s > 1000);
    assert(c.session.p == NULL ||
           (c.session.p >= scratch && c.session.p < scratch + sizeof(scratch)));
}

static void check_signed(const struct jws_key *key, struct str text)
{
    uint8_t signature[JWS_SIGNATURE_MAX];
    struct buf b CLEANUP(buf_fini);
    size_t n;

    buf_init(&b, 1 << 20);
    base64_append(&b, BASE64_URL, str_cut(&text, '\n'));
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, text);
    n = jws_sign(key, buf_peek(&b), signature);
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, (struct str){signature, n});
    check(buf_peek(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (keys == NULL)
        make_keys();
    check((struct str){data, n});
    check_signed(secret, (struct str){data, n});
    check_signed(ed25519, (struct str){data, n});
    return 0;
}
