#include "base/base64.h"
#include "base/str.h"
#include "lib/check.h"
#include "lib/jwk_samples.h"
#include "wire/jwt.h"

#include <stdio.h>
#include <string.h>

#define SECRET STR("0123456789abcdef0123456789abcdef")
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"42\",\"exp\":2000}"

/* Own keys: the secret, and an Ed25519 key with the kid "own". */
static struct jwks *own;
static struct jws_key *secret, *ed25519;
/* An issuer's: those of the RFCs, "rsa", "ec" and "okp", of which we have the last's
 * private half too. */
static struct jwks *issuers;

static int set_up(void **state)
{
    (void)state;
    own = jwks_new();
    secret = jws_key_secret(SECRET);
    ed25519 = jws_key_pem(STR(JWK_SAMPLES_OKP_PEM));
    jwks_add_take(own, (struct str){0}, secret);
    jwks_add_take(own, STR("own"), ed25519);
    return (int)jwks_parse(
        STR("{\"keys\":[" JWK_SAMPLES_RSA "," JWK_SAMPLES_EC "," JWK_SAMPLES_OKP "]}"), &issuers);
}

static int tear_down(void **state)
{
    (void)state;
    jwks_unref(own);
    jwks_unref(issuers);
    return 0;
}

/* A rightly signed token of any two texts. */
static struct buf make_by(const struct jws_key *key, const char *header, const char *claims)
{
    struct buf b;
    uint8_t signature[JWS_SIGNATURE_MAX];
    size_t n;

    buf_init(&b, 1 << 20);
    base64_append(&b, BASE64_URL, str_of(header));
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, str_of(claims));
    n = jws_sign(key, buf_peek(&b), signature);
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, (struct str){signature, n});
    return b;
}

static struct buf make(const char *header, const char *claims)
{
    return make_by(secret, header, claims);
}

static enum jwt_result verify(struct str token, uint64_t now_s, struct jwt_claims *ret)
{
    static uint8_t scratch[JWT_SCRATCH_MIN];

    return jwt_verify(own, token, now_s, scratch, sizeof(scratch), ret);
}

static enum jwt_result verify_made(const char *header, const char *claims, uint64_t now_s)
{
    struct buf b CLEANUP(buf_fini) = make(header, claims);
    struct jwt_claims c;

    return verify(buf_peek(&b), now_s, &c);
}

static void check_signing(const struct jws_key *key, struct str kid)
{
    struct jwt_claims c = {.user_id = UINT64_MAX,
                           .name = STR("zo\xc3\xab \"z\""),
                           .session = STR("s-1"),
                           .issued_s = 1000,
                           .expires_s = 2000,
                           .owner = true},
                      got;
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 1 << 16);
    buf_append(&b, STR("token="));
    jwt_sign(key, kid, &c, &b);
    assert_false(b.failed);
    assert_int_equal(verify(str_skip(buf_peek(&b), 6), 1500, &got), JWT_OK);
    assert_true(got.user_id == UINT64_MAX && got.issued_s == 1000 && got.expires_s == 2000);
    assert_true(got.owner && str_eq(got.name, c.name) && str_eq(got.session, c.session));
}

static void jwt_signs_what_it_verifies(void **state)
{
    (void)state;
    check_signing(secret, (struct str){0});
    check_signing(ed25519, STR("own"));
}

/* Made by Python's hmac, json and base64. */
static void jwt_verifies_a_foreign_token(void **state)
{
    struct jwt_claims c;

    (void)state;
    assert_int_equal(
        verify(STR("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
                   "eyJzdWIiOiI0MiIsIm5hbWUiOiJ6b8OrIiwic2lkIjoiczEiLCJpYXQiOjEwMDAsImV4cCI6MjAwMCw"
                   "ib3duIjp0cnVlfQ.Xo9NsqGy0bU2C8_iLswlhKwhiAWFtczjxIpiS2pjl4M"),
               1500, &c),
        JWT_OK);
    assert_true(c.user_id == 42 && str_eq(c.name, STR("zo\xc3\xab")) && c.owner);
    assert_true(str_eq(c.session, STR("s1")) && c.issued_s == 1000 && c.expires_s == 2000);
}

static void jwt_obeys_the_times(void **state)
{
    static const char *const later = "{\"sub\":\"1\",\"nbf\":1000,\"exp\":2000}";

    (void)state;
    assert_int_equal(verify_made(HS256, later, 1000 - JWT_SKEW_S - 1), JWT_NOT_YET);
    assert_int_equal(verify_made(HS256, later, 1000 - JWT_SKEW_S), JWT_OK);
    assert_int_equal(verify_made(HS256, later, 1999 + JWT_SKEW_S), JWT_OK);
    assert_int_equal(verify_made(HS256, later, 2000 + JWT_SKEW_S), JWT_EXPIRED);
    assert_int_equal(verify_made(HS256, later, UINT64_MAX), JWT_EXPIRED);
    assert_int_equal(verify_made(HS256, "{\"sub\":\"1\",\"exp\":9007199254740991}", 5), JWT_OK);
}

/* The algorithm is the key's, whatever a token says, even one that is rightly signed. */
static void jwt_refuses_other_algorithms(void **state)
{
    static const char *const other[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"HS512\"}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS256 \"}",
        "{\"alg\":\"\"}",
        "{\"typ\":\"JWT\"}",
        "{}",
        "{\"alg\":\"HS256\",\"kid\":\"own\"}",
        "{\"alg\":\"RS256\",\"kid\":\"own\"}",
    };
    static const char *const unknown[] = {
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"HS256\",\"kid\":\"another\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"another\"}",
    };
    static const char *const bad[] = {
        "{\"alg\":256}",
        "{\"alg\":null}",
        "{\"alg\":[\"HS256\"]}",
        "{\"alg\":\"HS256\",\"kid\":1}",
        "[]",
        "\"HS256\"",
        "",
        "{\"alg\":\"HS256\"",
        "{\"alg\":\"HS256\"}}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"alg\":\"none\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"\\u0063rit\":[]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(other); i++)
        if (verify_made(other[i], CLAIMS, 1500) != JWT_ALGORITHM)
            fail_msg("%s: %d", other[i], verify_made(other[i], CLAIMS, 1500));
    for (size_t i = 0; i < COUNTOF(unknown); i++)
        if (verify_made(unknown[i], CLAIMS, 1500) != JWT_NO_KEY)
            fail_msg("%s: %d", unknown[i], verify_made(unknown[i], CLAIMS, 1500));
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (verify_made(bad[i], CLAIMS, 1500) != JWT_BAD)
            fail_msg("%s: %d", bad[i], verify_made(bad[i], CLAIMS, 1500));
    assert_int_equal(verify_made("{\"alg\":\"EdDSA\",\"kid\":\"own\"}", CLAIMS, 1500),
                     JWT_SIGNATURE);
    assert_int_equal(verify_made("{\"x\":{\"a\":[1]},\"alg\":\"HS256\"}", CLAIMS, 1500), JWT_OK);
}

static void jwt_refuses_bad_claims(void **state)
{
    static const char *const bad[] = {
        "{\"exp\":2000}",
        "{\"sub\":\"42\"}",
        "{\"sub\":42,\"exp\":2000}",
        "{\"sub\":\"0\",\"exp\":2000}",
        "{\"sub\":\"042\",\"exp\":2000}",
        "{\"sub\":\"\",\"exp\":2000}",
        "{\"sub\":\"-1\",\"exp\":2000}",
        "{\"sub\":\"4 \",\"exp\":2000}",
        "{\"sub\":\"18446744073709551616\",\"exp\":2000}",
        "{\"sub\":\"42\",\"exp\":\"2000\"}",
        "{\"sub\":\"42\",\"exp\":2000.5}",
        "{\"sub\":\"42\",\"exp\":-1}",
        "{\"sub\":\"42\",\"exp\":1e99}",
        "{\"sub\":\"42\",\"exp\":9007199254740992}",
        "{\"sub\":\"42\",\"exp\":2000,\"exp\":9000}",
        "{\"sub\":\"42\",\"sub\":\"1\",\"exp\":2000}",
        "{\"sub\":\"42\",\"exp\":2000,\"x\":1,\"\\u0078\":1}",
        "{\"sub\":\"42\",\"exp\":2000,\"nbf\":\"1\"}",
        "{\"sub\":\"42\",\"exp\":2000,\"iat\":null}",
        "{\"sub\":\"42\",\"exp\":2000,\"name\":7}",
        "{\"sub\":\"42\",\"exp\":2000,\"name\":\"\xff\"}",
        "{\"sub\":\"42\",\"exp\":2000,\"sid\":[]}",
        "{\"sub\":\"42\",\"exp\":2000,\"own\":1}",
        "{\"sub\":\"42\",\"exp\":2000,\"x\":[[[[[[[[[]]]]]]]]]}",
        "{\"sub\":\"42\",\"exp\":2000",
        "{\"sub\":\"42\",\"exp\":2000} x",
        "[]",
        "null",
        "",
    };
    struct buf many CLEANUP(buf_fini);

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (verify_made(HS256, bad[i], 1500) != JWT_BAD)
            fail_msg("%s was accepted", bad[i]);
    buf_init(&many, 4096);
    buf_append(&many, STR("{\"sub\":\"42\",\"exp\":2000"));
    for (int i = 2; i < JWT_MEMBERS_MAX; i++)
        buf_printf(&many, ",\"x%d\":%d", i, i);
    buf_append(&many, STR("}\0"));
    assert_int_equal(verify_made(HS256, (const char *)buf_peek(&many).p, 1500), JWT_OK);
    many.wpos -= 2;
    buf_append(&many, STR(",\"y\":0}\0"));
    assert_int_equal(verify_made(HS256, (const char *)buf_peek(&many).p, 1500), JWT_BAD);
}

/* One bit changed, one byte cut off or added, anywhere: refused. */
static void jwt_refuses_every_change(void **state)
{
    struct buf b CLEANUP(buf_fini) = make(HS256, CLAIMS);
    size_t n = buf_len(&b);
    struct jwt_claims c = {.user_id = 77};

    (void)state;
    for (size_t i = 0; i < n * 8; i++) {
        b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_not_equal(verify(buf_peek(&b), 1500, &c), JWT_OK);
        b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_not_equal(verify((struct str){b.bytes, i}, 1500, &c), JWT_OK);
        assert_int_not_equal(verify((struct str){b.bytes + i + 1, n - i - 1}, 1500, &c), JWT_OK);
    }
    assert_true(c.user_id == 77);
    assert_int_equal(verify(buf_peek(&b), 1500, &c), JWT_OK);
    buf_append_byte(&b, '=');
    assert_int_equal(verify(buf_peek(&b), 1500, &c), JWT_BAD);
    assert_int_equal(verify((struct str){0}, 1500, &c), JWT_BAD);
}

static void jwt_refuses_another_secret(void **state)
{
    struct jws_key *other = jws_key_secret(STR("0123456789abcdef0123456789abcdeF"));
    struct buf b CLEANUP(buf_fini) = make_by(other, HS256, CLAIMS);
    struct jwt_claims c;

    (void)state;
    assert_int_equal(verify(buf_peek(&b), 1500, &c), JWT_SIGNATURE);
    jws_key_free(other);
}

/* The longest token that can be signed is verified; past it signing fails,
 * and a longer one is refused though its signature is right. */
static void jwt_bounds_its_size(void **state)
{
    static uint8_t name[1 << 16];
    struct buf b CLEANUP(buf_fini);
    struct jwt_claims got;
    size_t n = 0;

    (void)state;
    memset(name, 'x', sizeof(name));
    buf_init(&b, 1 << 20);
    for (;; n++) {
        struct jwt_claims c = {.user_id = 1, .name = {name, 2900 + n}, .expires_s = 2000};

        buf_clear(&b);
        jwt_sign(secret, (struct str){0}, &c, &b);
        if (b.failed)
            break;
        assert_true(buf_len(&b) <= JWT_TOKEN_MAX);
        assert_int_equal(verify(buf_peek(&b), 1500, &got), JWT_OK);
        assert_int_equal(got.name.n, 2900 + n);
    }
    assert_in_range(n, 50, 150);
    for (size_t i = 0; i < 2; i++) {
        struct buf huge CLEANUP(buf_fini);

        buf_init(&huge, 1 << 20);
        buf_printf(&huge, "{\"sub\":\"1\",\"exp\":2000,\"name\":\"%.*s\"}%c", i == 0 ? 3000 : 60000,
                   (const char *)name, 0);
        assert_int_equal(verify_made(HS256, (const char *)buf_peek(&huge).p, 1500), JWT_BAD);
    }
}

/* Issued elsewhere. */

#define ISSUER "https://id.example.org"
#define BASIC "\"iss\":\"" ISSUER "\",\"sub\":\"a-b\",\"exp\":2000"
#define FULL "{" BASIC ",\"aud\":\"chat\"}"
#define EDDSA "{\"alg\":\"EdDSA\",\"kid\":\"okp\"}"

static const struct str audiences[] = {{(const uint8_t *)"chat", 4}, {(const uint8_t *)"app", 3}};
static const struct str names[] = {{(const uint8_t *)"nick", 4}, {(const uint8_t *)"sub", 3}};
static const struct jwt_rules rules = {
    .issuer = {(const uint8_t *)ISSUER, sizeof(ISSUER) - 1},
    .audiences = audiences,
    .audiences_n = COUNTOF(audiences),
    .names = names,
    .names_n = COUNTOF(names),
    .skew_s = 30,
};

static enum jwt_result issued_token(struct str token, uint64_t now_s, struct jwt_issued *ret)
{
    static uint8_t scratch[JWT_SCRATCH_MIN];

    return jwt_verify_issued(&rules, issuers, token, now_s, scratch, sizeof(scratch), ret);
}

static enum jwt_result issued(const char *header, const char *claims, uint64_t now_s,
                              struct jwt_issued *ret)
{
    struct buf b CLEANUP(buf_fini) = make_by(ed25519, header, claims);

    return issued_token(buf_peek(&b), now_s, ret);
}

static void jwt_takes_what_an_issuer_says(void **state)
{
    struct jwt_issued c;

    (void)state;
    assert_int_equal(issued(EDDSA, FULL, 1500, &c), JWT_OK);
    assert_true(str_eq(c.subject, STR("a-b")) && str_eq(c.name, STR("a-b")));
    assert_true(c.session.n == 0 && !c.lasting && c.issued_s == 0 && c.expires_s == 2000);
    assert_int_equal(issued("{\"alg\":\"EdDSA\"}", FULL, 1500, &c), JWT_OK); /* one such key */
    assert_int_equal(issued(EDDSA,
                            "{" BASIC ",\"aud\":[\"x\",\"app\"],\"nick\":\"Ana\",\"iat\":7,"
                            "\"jti\":\"j\",\"email_verified\":true}",
                            1500, &c),
                     JWT_OK);
    assert_true(str_eq(c.name, STR("Ana")) && str_eq(c.session, STR("j")) && c.issued_s == 7);
    assert_int_equal(issued(EDDSA,
                            "{" BASIC ",\"aud\":\"app\",\"nick\":7,\"sid\":\"s\",\"jti\":\"j\"}",
                            1500, &c),
                     JWT_OK);
    assert_true(str_eq(c.name, STR("a-b")) && str_eq(c.session, STR("s")) && c.lasting);
}

/* As Amazon Cognito makes them. */
static void jwt_knows_the_kinds_of_cognito(void **state)
{
    struct jwt_issued c;

    (void)state;
    assert_int_equal(issued(EDDSA,
                            "{" BASIC
                            ",\"aud\":\"chat\",\"token_use\":\"id\",\"cognito:username\":\"ana\","
                            "\"origin_jti\":\"o\",\"jti\":\"j\",\"cognito:groups\":[\"g\"]}",
                            1500, &c),
                     JWT_OK);
    assert_true(str_eq(c.session, STR("o")) && c.lasting);
    assert_int_equal(
        issued(EDDSA, "{" BASIC ",\"client_id\":\"chat\",\"token_use\":\"access\"}", 1500, &c),
        JWT_OK);
    assert_int_equal(issued(EDDSA,
                            "{" BASIC
                            ",\"client_id\":\"evil\",\"token_use\":\"access\",\"aud\":\"chat\"}",
                            1500, &c),
                     JWT_AUDIENCE);
    assert_int_equal(
        issued(EDDSA, "{" BASIC ",\"client_id\":\"chat\",\"token_use\":\"id\"}", 1500, &c),
        JWT_AUDIENCE);
    assert_int_equal(
        issued(EDDSA, "{" BASIC ",\"aud\":\"chat\",\"token_use\":\"refresh\"}", 1500, &c), JWT_BAD);
}

static void jwt_refuses_what_an_issuer_does_not_say(void **state)
{
    static const struct {
        enum jwt_result result;
        const char *claims;
    } all[] = {
        {JWT_AUDIENCE, "{" BASIC "}"},
        {JWT_AUDIENCE, "{" BASIC ",\"client_id\":\"chat\"}"},
        {JWT_AUDIENCE, "{" BASIC ",\"aud\":\"Chat\"}"},
        {JWT_AUDIENCE, "{" BASIC ",\"aud\":[]}"},
        {JWT_AUDIENCE, "{" BASIC ",\"aud\":[\"x\",\"chat \"]}"},
        {JWT_BAD, "{" BASIC ",\"aud\":[\"chat\",1]}"},
        {JWT_BAD, "{" BASIC ",\"aud\":{\"chat\":1}}"},
        {JWT_BAD, "{" BASIC ",\"aud\":\"chat\",\"aud\":\"chat\"}"},
        {JWT_BAD, "{" BASIC ",\"aud\":\"chat\",\"events\":{}}"},
        {JWT_BAD, "{" BASIC ",\"aud\":\"chat\",\"nbf\":\"1\"}"},
        {JWT_ISSUER, "{\"iss\":\"" ISSUER "/\",\"sub\":\"a\",\"exp\":2000,\"aud\":\"chat\"}"},
        {JWT_ISSUER, "{\"sub\":\"a\",\"exp\":2000,\"aud\":\"chat\"}"},
        {JWT_BAD, "{\"iss\":[\"" ISSUER "\"],\"sub\":\"a\",\"exp\":2000,\"aud\":\"chat\"}"},
        {JWT_BAD, "{\"iss\":\"" ISSUER "\",\"exp\":2000,\"aud\":\"chat\"}"},
        {JWT_BAD, "{\"iss\":\"" ISSUER "\",\"sub\":\"\",\"exp\":2000,\"aud\":\"chat\"}"},
        {JWT_BAD, "{\"iss\":\"" ISSUER "\",\"sub\":7,\"exp\":2000,\"aud\":\"chat\"}"},
        {JWT_BAD, "{\"iss\":\"" ISSUER "\",\"sub\":\"a\",\"aud\":\"chat\"}"},
        {JWT_NOT_YET, "{" BASIC ",\"aud\":\"chat\",\"nbf\":1531}"},
        {JWT_OK, "{" BASIC ",\"aud\":\"chat\",\"nbf\":1530}"},
    };
    char claims[512], subject[JWT_SUBJECT_MAX + 2];
    struct jwt_issued c;

    (void)state;
    for (size_t i = 0; i < COUNTOF(all); i++)
        if (issued(EDDSA, all[i].claims, 1500, &c) != all[i].result)
            fail_msg("%s: %d", all[i].claims, issued(EDDSA, all[i].claims, 1500, &c));
    assert_int_equal(issued(EDDSA, FULL, 2029, &c), JWT_OK);
    assert_int_equal(issued(EDDSA, FULL, 2030, &c), JWT_EXPIRED);
    memset(subject, 's', sizeof(subject));
    for (int n = JWT_SUBJECT_MAX; n <= JWT_SUBJECT_MAX + 1; n++) {
        (void)snprintf(claims, sizeof(claims),
                       "{\"iss\":\"" ISSUER "\",\"sub\":\"%.*s\",\"exp\":2000,\"aud\":\"chat\"}", n,
                       subject);
        assert_int_equal(issued(EDDSA, claims, 1500, &c), n <= JWT_SUBJECT_MAX ? JWT_OK : JWT_BAD);
    }
}

/* none, HS256 with the public key for a secret, another key's kid, one that is not
 * there: each is told apart, and none is accepted. */
static void jwt_refuses_confusion(void **state)
{
    static const char *const crit[] = {
        "{\"alg\":\"EdDSA\",\"kid\":\"okp\",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"EdDSA\",\"kid\":\"okp\",\"crit\":[]}",
        "{\"alg\":\"EdDSA\",\"kid\":\"okp\",\"kid\":\"okp\"}",
    };
    struct jws_key *confused = jws_key_secret(STR(JWK_SAMPLES_RSA_N));
    struct jwt_issued c = {.expires_s = 7};
    struct buf b;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        b = make_by(confused, i ? "{\"alg\":\"HS256\",\"kid\":\"rsa\"}" : "{\"alg\":\"HS256\"}",
                    FULL);
        assert_int_equal(issued_token(buf_peek(&b), 1500, &c), JWT_ALGORITHM);
        buf_fini(&b);
        b = make_by(confused, i ? "{\"alg\":\"RS256\",\"kid\":\"rsa\"}" : "{\"alg\":\"RS256\"}",
                    FULL);
        assert_int_equal(issued_token(buf_peek(&b), 1500, &c), JWT_SIGNATURE);
        buf_fini(&b);
    }
    assert_int_equal(issued("{\"alg\":\"none\",\"kid\":\"okp\"}", FULL, 1500, &c), JWT_ALGORITHM);
    assert_int_equal(issued("{\"alg\":\"ES256\",\"kid\":\"okp\"}", FULL, 1500, &c), JWT_ALGORITHM);
    assert_int_equal(issued("{\"alg\":\"EdDSA\",\"kid\":\"ec\"}", FULL, 1500, &c), JWT_ALGORITHM);
    assert_int_equal(issued("{\"alg\":\"ES256\",\"kid\":\"ec\"}", FULL, 1500, &c), JWT_SIGNATURE);
    for (size_t i = 0; i < COUNTOF(crit); i++)
        assert_int_equal(issued(crit[i], FULL, 1500, &c), JWT_BAD);
    assert_int_equal(c.expires_s, 7);
    assert_int_equal(issued("{\"alg\":\"EdDSA\",\"kid\":\"new\"}",
                            "{" BASIC ",\"iat\":1400,\"aud\":\"chat\"}", 1500, &c),
                     JWT_NO_KEY);
    assert_int_equal(c.issued_s, 1400);
    b = make_by(ed25519, EDDSA, FULL);
    b.wpos = (size_t)((uint8_t *)memrchr(b.bytes, '.', b.wpos) - b.bytes) + 1;
    assert_int_equal(issued_token(buf_peek(&b), 1500, &c), JWT_BAD); /* no signature */
    buf_fini(&b);
    jws_key_free(confused);
}

/* The RFCs' own tokens: the signature is right, what they claim is not enough. */
static void jwt_proves_each_algorithm(void **state)
{
    struct jwt_issued c;

    (void)state;
    assert_int_equal(issued_token(STR(JWK_SAMPLES_RSA_TOKEN), 1300819300, &c), JWT_BAD);
    assert_int_equal(issued_token(STR(JWK_SAMPLES_EC_TOKEN), 1300819300, &c), JWT_BAD);
    assert_int_equal(issued_token(STR(JWK_SAMPLES_OKP_TOKEN), 1300819300, &c), JWT_BAD);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

CHECK_MAIN(EACH(jwt_signs_what_it_verifies), EACH(jwt_verifies_a_foreign_token),
           EACH(jwt_obeys_the_times), EACH(jwt_refuses_other_algorithms),
           EACH(jwt_refuses_bad_claims), EACH(jwt_refuses_every_change),
           EACH(jwt_refuses_another_secret), EACH(jwt_bounds_its_size),
           EACH(jwt_takes_what_an_issuer_says), EACH(jwt_knows_the_kinds_of_cognito),
           EACH(jwt_refuses_what_an_issuer_does_not_say), EACH(jwt_refuses_confusion),
           EACH(jwt_proves_each_algorithm))
