#include "wire/jws.h"

#include "base/base64.h"
#include "base/str.h"
#include "lib/check.h"
#include "lib/jwk_samples.h"

#include <string.h>

#define SECRET STR("0123456789abcdef0123456789abcdef")

struct bytes {
    uint8_t at[1024];
    size_t n;
};

static struct bytes decoded(struct str text)
{
    struct bytes b;

    assert_true(base64_decode(BASE64_URL, text, b.at, &b.n));
    return b;
}

static struct str str_of_bytes(const struct bytes *b)
{
    return (struct str){b->at, b->n};
}

static struct jws_key *rsa(void)
{
    struct bytes n = decoded(STR(JWK_SAMPLES_RSA_N)), e = decoded(STR("AQAB"));

    return jws_key_rsa(str_of_bytes(&n), str_of_bytes(&e));
}

static struct jws_key *p256(void)
{
    struct bytes x = decoded(STR(JWK_SAMPLES_EC_X)), y = decoded(STR(JWK_SAMPLES_EC_Y));

    return jws_key_p256(str_of_bytes(&x), str_of_bytes(&y));
}

static struct jws_key *ed25519(void)
{
    struct bytes x = decoded(STR(JWK_SAMPLES_OKP_X));

    return jws_key_ed25519(str_of_bytes(&x));
}

/* The token's signature is right, and any change of it or of what it signs is not. */
static void check_token(struct jws_key *key, enum jws_alg alg, struct str token)
{
    struct str rest = token, input;
    struct bytes s;
    uint8_t copy[1024];

    assert_non_null(key);
    assert_int_equal(jws_key_alg(key), alg);
    assert_false(jws_key_signs(key));
    (void)str_cut(&rest, '.');
    (void)str_cut(&rest, '.');
    input = (struct str){token.p, token.n - rest.n - 1};
    s = decoded(rest);
    assert_true(jws_verify(key, input, str_of_bytes(&s)));
    assert_true(jws_verify(key, input, str_of_bytes(&s))); /* the key was not used up */
    for (size_t i = 0; i < s.n; i += 5) {
        s.at[i] ^= 1;
        assert_false(jws_verify(key, input, str_of_bytes(&s)));
        s.at[i] ^= 1;
    }
    memcpy(copy, input.p, input.n);
    copy[3] ^= 1;
    assert_false(jws_verify(key, (struct str){copy, input.n}, str_of_bytes(&s)));
    for (size_t n = 0; n < s.n; n += 7)
        assert_false(jws_verify(key, input, (struct str){s.at, n}));
    s.at[s.n] = 0;
    assert_false(jws_verify(key, input, (struct str){s.at, s.n + 1}));
    jws_key_free(key);
}

static void the_tokens_of_the_rfcs_verify(void **state)
{
    (void)state;
    check_token(rsa(), JWS_RS256, STR(JWK_SAMPLES_RSA_TOKEN));
    check_token(p256(), JWS_ES256, STR(JWK_SAMPLES_EC_TOKEN));
    check_token(ed25519(), JWS_EDDSA, STR(JWK_SAMPLES_OKP_TOKEN));
}

/* RFC 7515 appendix A.1. */
static void the_secret_of_the_rfc_signs_as_it_says(void **state)
{
    struct bytes secret =
        decoded(STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjA"
                    "zZr1Z9CAow"));
    struct jws_key *key = jws_key_secret(str_of_bytes(&secret));
    struct str input = STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JWK_SAMPLES_CLAIMS);
    uint8_t signature[JWS_SIGNATURE_MAX];
    char text[BASE64_ENCODED_MAX(JWS_SIGNATURE_MAX)];
    size_t n;

    (void)state;
    assert_int_equal(jws_key_alg(key), JWS_HS256);
    n = jws_sign(key, input, signature);
    assert_true(jws_verify(key, input, (struct str){signature, n}));
    assert_false(jws_verify(key, input, (struct str){signature, n - 1}));
    n = base64_encode(BASE64_URL, (struct str){signature, n}, text);
    assert_true(str_eq((struct str){(uint8_t *)text, n},
                       STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    jws_key_free(key);
}

/* RFC 8037 appendices A.3 and A.4. */
static void a_private_key_signs_and_has_its_thumbprint(void **state)
{
    struct jws_key *key = jws_key_pem(STR(JWK_SAMPLES_OKP_PEM)), *public = ed25519();
    struct str token = STR(JWK_SAMPLES_OKP_TOKEN), rest = token;
    uint8_t signature[JWS_SIGNATURE_MAX];
    char thumbprint[JWS_THUMBPRINT_N];
    struct bytes expected;
    struct str input;

    (void)state;
    assert_non_null(key);
    assert_true(jws_key_signs(key));
    (void)str_cut(&rest, '.');
    (void)str_cut(&rest, '.');
    input = (struct str){token.p, token.n - rest.n - 1};
    expected = decoded(rest);
    assert_int_equal(jws_sign(key, input, signature), expected.n);
    assert_memory_equal(signature, expected.at, expected.n);
    assert_true(jws_verify(public, input, str_of_bytes(&expected)));
    jws_key_thumbprint(key, thumbprint);
    assert_memory_equal(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                        sizeof(thumbprint));
    jws_key_free(public);
    jws_key_free(key);
}

static void weak_and_wrong_keys_are_none(void **state)
{
    struct bytes n = decoded(STR(JWK_SAMPLES_RSA_N)), e = decoded(STR("AQAB"));
    struct bytes x = decoded(STR(JWK_SAMPLES_EC_X)), y = decoded(STR(JWK_SAMPLES_EC_Y));
    uint8_t big[1025] = {1};

    (void)state;
    assert_null(jws_key_rsa((struct str){n.at + 1, n.n - 1}, str_of_bytes(&e))); /* 2040 bits */
    big[512] = 1;
    assert_null(jws_key_rsa((struct str){big, 513}, str_of_bytes(&e))); /* 4097 */
    assert_null(jws_key_rsa((struct str){big, sizeof(big)}, str_of_bytes(&e)));
    assert_null(jws_key_rsa(str_of_bytes(&n), STR("\1")));
    assert_null(jws_key_rsa(str_of_bytes(&n), STR("\2")));
    assert_null(jws_key_rsa(str_of_bytes(&n), (struct str){0}));
    assert_null(jws_key_rsa(str_of_bytes(&n), str_of_bytes(&n)));
    n.at[n.n - 1] ^= 1; /* even */
    assert_null(jws_key_rsa(str_of_bytes(&n), str_of_bytes(&e)));

    assert_null(jws_key_p256((struct str){x.at, 31}, str_of_bytes(&y)));
    assert_null(jws_key_p256(str_of_bytes(&x), (struct str){y.at, 31}));
    y.at[31] ^= 1; /* beside the curve */
    assert_null(jws_key_p256(str_of_bytes(&x), str_of_bytes(&y)));
    assert_null(jws_key_ed25519((struct str){x.at, 31}));
    assert_null(jws_key_ed25519((struct str){0}));
}

static void only_ed25519_is_read_from_pem(void **state)
{
    /* An EC key, one with a pass phrase, a public one, none. */
    static const char *const bad[] = {
        ("-----BEGIN PRIVATE KEY-----\n"
         "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
         "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
         "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuueuDzaV1uqQskrYpGIyiFiOWt\n"
         "-----END PRIVATE KEY-----\n"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
         "MIGbMFcGCSqGSIb3DQEFDTBKMA==\n"
         "-----END ENCRYPTED PRIVATE KEY-----\n"),
        "-----BEGIN PRIVATE KEY-----\n", "no key", ""};
    struct jws_key *public =
        jws_key_pem(STR("-----BEGIN PUBLIC KEY-----\n"
                        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                        "-----END PUBLIC KEY-----\n"));
    uint8_t x[JWS_ED25519_N];
    struct bytes expected = decoded(STR(JWK_SAMPLES_OKP_X));

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_null(jws_key_pem(str_of(bad[i])));
    assert_non_null(public);
    assert_false(jws_key_signs(public));
    jws_key_public(public, x);
    assert_memory_equal(x, expected.at, sizeof(x));
    jws_key_free(public);
}

/* The classic confusion: the public key's text as the secret of an HMAC. */
static void a_key_knows_one_algorithm(void **state)
{
    struct jws_key *keys[] = {rsa(), p256(), ed25519(), jws_key_secret(SECRET)};
    struct str tokens[] = {STR(JWK_SAMPLES_RSA_TOKEN), STR(JWK_SAMPLES_EC_TOKEN),
                           STR(JWK_SAMPLES_OKP_TOKEN)};

    (void)state;
    for (size_t k = 0; k < COUNTOF(keys); k++) {
        for (size_t t = 0; t < COUNTOF(tokens); t++) {
            struct str rest = tokens[t];
            struct bytes s;

            (void)str_cut(&rest, '.');
            (void)str_cut(&rest, '.');
            s = decoded(rest);
            assert_int_equal(jws_verify(keys[k],
                                        (struct str){tokens[t].p, tokens[t].n - rest.n - 1},
                                        str_of_bytes(&s)),
                             k == t);
        }
        jws_key_free(keys[k]);
    }
    for (enum jws_alg a = JWS_HS256; a <= JWS_RS256; a++)
        assert_int_equal(jws_alg_of(str_of(jws_alg_name(a))), a);
    assert_int_equal(jws_alg_of(STR("none")), JWS_NONE);
    assert_int_equal(jws_alg_of(STR("hs256")), JWS_NONE);
    assert_int_equal(jws_alg_of((struct str){0}), JWS_NONE);
    jws_key_free(NULL);
}

CHECK_MAIN(cmocka_unit_test(the_tokens_of_the_rfcs_verify),
           cmocka_unit_test(the_secret_of_the_rfc_signs_as_it_says),
           cmocka_unit_test(a_private_key_signs_and_has_its_thumbprint),
           cmocka_unit_test(weak_and_wrong_keys_are_none),
           cmocka_unit_test(only_ed25519_is_read_from_pem),
           cmocka_unit_test(a_key_knows_one_algorithm))
