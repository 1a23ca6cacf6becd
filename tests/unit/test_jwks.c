#include "wire/jwks.h"

#include "base/str.h"
#include "lib/check.h"
#include "lib/jwk_samples.h"

#include <stdio.h>
#include <string.h>

#define ALL "{\"keys\":[" JWK_SAMPLES_RSA "," JWK_SAMPLES_EC "," JWK_SAMPLES_OKP "]}"

static enum jwks_result parse(const char *text)
{
    struct jwks *s;
    enum jwks_result r = jwks_parse(str_of(text), &s);

    if (r == JWKS_OK)
        jwks_unref(s);
    return r;
}

/* The result of a set of one key of those members besides. */
static enum jwks_result with(const char *members)
{
    char text[2048];

    (void)snprintf(text, sizeof(text),
                   "{\"keys\":[{%s,\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}]}", members,
                   JWK_SAMPLES_OKP_X);
    return parse(text);
}

static void keys_are_found_by_kid_and_algorithm(void **state)
{
    struct jwks *s, *same;
    bool known;

    (void)state;
    assert_int_equal(jwks_parse(STR(ALL), &s), JWKS_OK);
    same = jwks_ref(s);
    jwks_unref(s);
    assert_int_equal(jwks_count(same), 3);
    assert_non_null(jwks_find(same, STR("rsa"), JWS_RS256, &known));
    assert_non_null(jwks_find(same, STR("ec"), JWS_ES256, &known));
    assert_non_null(jwks_find(same, STR("okp"), JWS_EDDSA, &known));
    assert_false(known);
    assert_null(jwks_find(same, STR("rsa"), JWS_HS256, &known));
    assert_true(known);
    assert_null(jwks_find(same, STR("ec"), JWS_RS256, &known));
    assert_true(known);
    assert_null(jwks_find(same, STR("rs"), JWS_RS256, &known));
    assert_false(known);
    assert_ptr_equal(jwks_find(same, (struct str){0}, JWS_RS256, &known),
                     jwks_find(same, STR("rsa"), JWS_RS256, &known));
    assert_null(jwks_find(same, (struct str){0}, JWS_HS256, &known));
    jwks_unref(same);
    jwks_unref(NULL);
}

/* Without a kid it must be clear which key is meant. */
static void without_a_kid_there_must_be_one(void **state)
{
    static const char two[] =
        "{\"keys\":[" JWK_SAMPLES_OKP ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"b\",\"x\":"
        "\"" JWK_SAMPLES_EC_X "\"}]}";
    struct jwks *s;
    bool known;

    (void)state;
    assert_int_equal(jwks_parse(STR(two), &s), JWKS_OK);
    assert_int_equal(jwks_count(s), 2);
    assert_null(jwks_find(s, (struct str){0}, JWS_EDDSA, &known));
    assert_non_null(jwks_find(s, STR("b"), JWS_EDDSA, &known));
    jwks_unref(s);
}

static void what_is_not_for_signatures_is_left_out(void **state)
{
    static const char *const good[] = {"\"a\":1",
                                       "\"use\":\"sig\"",
                                       "\"alg\":\"EdDSA\"",
                                       "\"key_ops\":[\"verify\"]",
                                       "\"key_ops\":[\"sign\",\"verify\"]",
                                       "\"x5c\":[\"MII\",\"MII\"],\"z\":{\"d\":[1]}"};
    static const char *const out[] = {"\"use\":\"enc\"",      "\"alg\":\"ES256\"",
                                      "\"alg\":\"RSA-OAEP\"", "\"alg\":\"none\"",
                                      "\"key_ops\":[]",       "\"key_ops\":[\"encrypt\"]"};
    static const char *const others[] = {
        "{\"kty\":\"quantum\"}",
        "{}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"n\":\"" JWK_SAMPLES_RSA_N "\"}",
        "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"alg\":\"PS256\",\"n\":\"" JWK_SAMPLES_RSA_N "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" JWK_SAMPLES_EC_X "\",\"y\":\"" JWK_SAMPLES_EC_Y
        "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" JWK_SAMPLES_EC_Y "\",\"y\":\"" JWK_SAMPLES_EC_X
        "\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" JWK_SAMPLES_EC_X
        "\",\"y\":\"" JWK_SAMPLES_EC_Y "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" JWK_SAMPLES_OKP_X "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" JWK_SAMPLES_OKP_X "=\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}",
    };
    char text[2048];
    struct jwks *s;

    (void)state;
    for (size_t i = 0; i < COUNTOF(good); i++)
        if (with(good[i]) != JWKS_OK)
            fail_msg("%s: %s", good[i], jwks_why(with(good[i])));
    for (size_t i = 0; i < COUNTOF(out); i++)
        if (with(out[i]) != JWKS_EMPTY)
            fail_msg("%s: %s", out[i], jwks_why(with(out[i])));
    for (size_t i = 0; i < COUNTOF(others); i++) {
        (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", others[i]);
        if (parse(text) != JWKS_EMPTY)
            fail_msg("%s: %s", text, jwks_why(parse(text)));
        (void)snprintf(text, sizeof(text), "{\"keys\":[%s,%s]}", others[i], JWK_SAMPLES_OKP);
        assert_int_equal(jwks_parse(str_of(text), &s), JWKS_OK);
        assert_int_equal(jwks_count(s), 1);
        jwks_unref(s);
    }
}

static void private_and_symmetric_keys_spoil_the_set(void **state)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    char text[64];

    (void)state;
    for (size_t i = 0; i < COUNTOF(names); i++) {
        (void)snprintf(text, sizeof(text), "\"%s\":\"AQAB\"", names[i]);
        assert_int_equal(with(text), JWKS_PRIVATE);
    }
    assert_int_equal(with("\"use\":\"enc\",\"d\":\"AQAB\""), JWKS_PRIVATE);
    assert_int_equal(parse("{\"keys\":[" JWK_SAMPLES_EC ",{\"kty\":\"oct\"}]}"), JWKS_PRIVATE);
}

static void bad_sets_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "null",
        "{\"keys\":{}}",
        "{\"keys\":[1]}",
        "{\"keys\":[[]]}",
        "{\"keys\":[{\"kty\":1}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"kty\":\"OKP\"}]}",
        "{\"keys\":[{\"key_ops\":\"verify\"}]}",
        "{\"keys\":[{\"key_ops\":[1]}]}",
        "{\"keys\":[{\"key_ops\":[\"verify\"],\"key_ops\":[\"verify\"]}]}",
        "{\"keys\":[],\"keys\":[" JWK_SAMPLES_EC "]}",
        "{\"keys\":[" JWK_SAMPLES_EC "]",
        "{\"keys\":[" JWK_SAMPLES_EC "]} x",
        "{\"keys\":[{\"kid\":{}}]}",
        "{\"keys\":[{\"z\":[[[[[[[1]]]]]]]}]}"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (parse(bad[i]) != JWKS_BAD)
            fail_msg("%s: %s", bad[i], jwks_why(parse(bad[i])));
    assert_int_equal(parse("{\"keys\":[]}"), JWKS_EMPTY);
    assert_int_equal(parse("{\"keys\":[" JWK_SAMPLES_EC "," JWK_SAMPLES_EC "]}"), JWKS_AMBIGUOUS);
}

static void its_size_is_bounded(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct jwks *s;

    (void)state;
    buf_init(&b, 1 << 20);
    for (unsigned n = JWKS_KEYS_MAX; n <= JWKS_KEYS_MAX + 1; n++) {
        buf_clear(&b);
        buf_append(&b, STR("{\"keys\":["));
        for (unsigned i = 0; i < n - 1; i++)
            buf_printf(&b, "{\"kty\":\"other\",\"z\":%u},", i);
        buf_append(&b, STR(JWK_SAMPLES_EC "]}"));
        assert_int_equal(jwks_parse(buf_peek(&b), &s), n <= JWKS_KEYS_MAX ? JWKS_OK : JWKS_TOO_BIG);
        if (n <= JWKS_KEYS_MAX)
            jwks_unref(s);
    }
    for (unsigned more = 0; more < 2; more++) {
        buf_clear(&b);
        buf_append(&b, STR("{\"keys\":[" JWK_SAMPLES_EC "]}"));
        while (buf_len(&b) < JWKS_SIZE_MAX + more)
            buf_append_byte(&b, ' ');
        assert_int_equal(jwks_parse(buf_peek(&b), &s), more ? JWKS_TOO_BIG : JWKS_OK);
        if (!more)
            jwks_unref(s);
    }
    assert_int_equal(with("\"kid\":\"a\""), JWKS_OK);
    buf_clear(&b);
    buf_append(&b, STR("\"kid\":\""));
    for (unsigned i = 0; i < JWKS_KID_MAX; i++)
        buf_append_byte(&b, 'k');
    buf_append(&b, STR("\"\0"));
    assert_int_equal(with((const char *)buf_peek(&b).p), JWKS_OK);
    b.wpos -= 2;
    buf_append(&b, STR("k\"\0"));
    assert_int_equal(with((const char *)buf_peek(&b).p), JWKS_EMPTY);
}

/* What is published is read back; secrets and others' keys are not in it. */
static void own_keys_are_published(void **state)
{
    struct jwks *s = jwks_new(), *again;
    struct jws_key *key = jws_key_pem(STR(JWK_SAMPLES_OKP_PEM));
    struct buf b CLEANUP(buf_fini);
    bool known;

    (void)state;
    buf_init(&b, 4096);
    jwks_publish(s, &b);
    assert_true(str_eq(buf_peek(&b), STR("{\"keys\":[]}")));
    buf_clear(&b);
    jwks_add_take(s, STR("one"), key);
    jwks_add_take(s, (struct str){0}, jws_key_secret(STR("0123456789abcdef0123456789abcdef")));
    jwks_publish(s, &b);
    assert_int_equal(jwks_parse(buf_peek(&b), &again), JWKS_OK);
    assert_int_equal(jwks_count(again), 1);
    assert_non_null(jwks_find(again, STR("one"), JWS_EDDSA, &known));
    assert_false(jws_key_signs(jwks_find(again, STR("one"), JWS_EDDSA, &known)));
    jwks_unref(again);
    jwks_unref(s);
}

CHECK_MAIN(cmocka_unit_test(keys_are_found_by_kid_and_algorithm),
           cmocka_unit_test(without_a_kid_there_must_be_one),
           cmocka_unit_test(what_is_not_for_signatures_is_left_out),
           cmocka_unit_test(private_and_symmetric_keys_spoil_the_set),
           cmocka_unit_test(bad_sets_are_refused), cmocka_unit_test(its_size_is_bounded),
           cmocka_unit_test(own_keys_are_published))
