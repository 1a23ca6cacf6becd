#include "base/base64.h"
#include "base/str.h"
#include "lib/check.h"
#include "wire/jwt.h"

#include <string.h>

#define SECRET STR("0123456789abcdef0123456789abcdef")
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"42\",\"exp\":2000}"

/* A rightly signed token of any two texts. */
static struct buf make(const char *header, const char *claims)
{
    struct buf b;
    uint8_t mac[JWT_MAC_N];

    buf_init(&b, 1 << 20);
    base64_append(&b, BASE64_URL, str_of(header));
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, str_of(claims));
    jwt_mac(SECRET, buf_peek(&b), mac);
    buf_append_byte(&b, '.');
    base64_append(&b, BASE64_URL, (struct str){mac, sizeof(mac)});
    return b;
}

static enum jwt_result verify(struct str token, uint64_t now_s, struct jwt_claims *ret)
{
    static uint8_t scratch[JWT_SCRATCH_MIN];

    return jwt_verify(SECRET, token, now_s, scratch, sizeof(scratch), ret);
}

static enum jwt_result verify_made(const char *header, const char *claims, uint64_t now_s)
{
    struct buf b CLEANUP(buf_fini) = make(header, claims);
    struct jwt_claims c;

    return verify(buf_peek(&b), now_s, &c);
}

/* RFC 7515 appendix A.1. */
static void jwt_mac_is_that_of_the_rfc(void **state)
{
    struct str key =
        STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjA"
            "zZr1Z9CAow");
    struct str input =
        STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEz"
            "MDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
    uint8_t key_bytes[BASE64_DECODED_MAX(86)], mac[JWT_MAC_N];
    char text[BASE64_ENCODED_MAX(JWT_MAC_N)];
    size_t n;

    (void)state;
    assert_true(base64_decode(BASE64_URL, key, key_bytes, &n));
    jwt_mac((struct str){key_bytes, n}, input, mac);
    n = base64_encode(BASE64_URL, (struct str){mac, sizeof(mac)}, text);
    assert_true(str_eq((struct str){(uint8_t *)text, n},
                       STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
}

static void jwt_signs_what_it_verifies(void **state)
{
    struct jwt_claims c = {.user_id = UINT64_MAX,
                           .name = STR("zo\xc3\xab \"z\""),
                           .session = STR("s-1"),
                           .issued_s = 1000,
                           .expires_s = 2000,
                           .owner = true},
                      got;
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1 << 16);
    buf_append(&b, STR("token="));
    jwt_sign(SECRET, &c, &b);
    assert_false(b.failed);
    assert_int_equal(verify(str_skip(buf_peek(&b), 6), 1500, &got), JWT_OK);
    assert_true(got.user_id == UINT64_MAX && got.issued_s == 1000 && got.expires_s == 2000);
    assert_true(got.owner && str_eq(got.name, c.name) && str_eq(got.session, c.session));
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

/* The algorithm is ours, whatever a token says, even one that is rightly signed. */
static void jwt_refuses_other_algorithms(void **state)
{
    static const char *const bad[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"HS512\"}",
        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS256 \"}",
        "{\"alg\":256}",
        "{\"alg\":null}",
        "{\"alg\":[\"HS256\"]}",
        "{\"typ\":\"JWT\"}",
        "{}",
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
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (verify_made(bad[i], CLAIMS, 1500) != JWT_BAD)
            fail_msg("%s was accepted", bad[i]);
    assert_int_equal(verify_made("{\"kid\":{\"a\":[1]},\"alg\":\"HS256\"}", CLAIMS, 1500), JWT_OK);
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
        assert_int_equal(verify(buf_peek(&b), 1500, &c), JWT_BAD);
        b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(verify((struct str){b.bytes, i}, 1500, &c), JWT_BAD);
        assert_int_equal(verify((struct str){b.bytes + i + 1, n - i - 1}, 1500, &c), JWT_BAD);
    }
    assert_true(c.user_id == 77);
    assert_int_equal(verify(buf_peek(&b), 1500, &c), JWT_OK);
    buf_append_byte(&b, '=');
    assert_int_equal(verify(buf_peek(&b), 1500, &c), JWT_BAD);
    assert_int_equal(verify((struct str){0}, 1500, &c), JWT_BAD);
}

static void jwt_refuses_another_secret(void **state)
{
    struct buf b CLEANUP(buf_fini) = make(HS256, CLAIMS);
    uint8_t scratch[JWT_SCRATCH_MIN];
    struct jwt_claims c;

    (void)state;
    assert_int_equal(jwt_verify(STR("0123456789abcdef0123456789abcdeF"), buf_peek(&b), 1500,
                                scratch, sizeof(scratch), &c),
                     JWT_BAD);
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
        jwt_sign(SECRET, &c, &b);
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

CHECK_MAIN(cmocka_unit_test(jwt_mac_is_that_of_the_rfc),
           cmocka_unit_test(jwt_signs_what_it_verifies),
           cmocka_unit_test(jwt_verifies_a_foreign_token), cmocka_unit_test(jwt_obeys_the_times),
           cmocka_unit_test(jwt_refuses_other_algorithms), cmocka_unit_test(jwt_refuses_bad_claims),
           cmocka_unit_test(jwt_refuses_every_change), cmocka_unit_test(jwt_refuses_another_secret),
           cmocka_unit_test(jwt_bounds_its_size))
