#include "aws/elasticache.h"
#include "base/str.h"
#include "lib/check.h"

#include <string.h>

#define AT 1440938160 /* 20150830T123600Z */
#define SIGNED                                                                    \
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2F" \
    "us-east-1%2Felasticache%2Faws4_request&X-Amz-Date=20150830T123600Z&"         \
    "X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="

static const struct sigv4_credentials who = {
    STR("AKIDEXAMPLE"), STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {NULL, 0}};

static void makes_passwords(void **state)
{
    static const struct {
        struct elasticache_login login;
        const char *want;
    } cases[] = {
        {{STR("my-cache"), STR("chat-app"), STR("us-east-1"), false},
         "my-cache/?Action=connect&User=chat-app&" SIGNED
         "e518e7ddd67f160395486fefd73350aef5bbbf007980908741158a0008324c7a"},
        {{STR("My-Cache"), STR("chat-app"), STR("us-east-1"), true},
         "my-cache/?Action=connect&ResourceType=ServerlessCache&User=chat-app&" SIGNED
         "ec3fa80f12d8f3fa4ed3baff0bf138511a927dd9a6d7dca485ca2834a077d807"},
    };
    struct sigv4_key key = {0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf b CLEANUP(buf_fini);

        buf_init(&b, 4096);
        assert_true(elasticache_password(&key, &who, &cases[i].login, AT, &b));
        if (!str_eq(buf_peek(&b), str_of(cases[i].want)))
            fail_msg("%.*s", STR_ARGS(buf_peek(&b)));
    }
    sigv4_key_fini(&key);
}

/* A session's token is part of what is signed. */
static void takes_the_token(void **state)
{
    struct elasticache_login l = {STR("c"), STR("u&x"), STR("us-east-1"), false};
    struct sigv4_credentials c = who;
    struct sigv4_key key = {0};
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 4096);
    c.token = STR("to/ken");
    assert_true(elasticache_password(&key, &c, &l, AT, &b));
    buf_append_byte(&b, 0);
    assert_non_null(strstr((const char *)buf_peek(&b).p, "&X-Amz-Security-Token=to%2Fken&"));
    assert_non_null(strstr((const char *)buf_peek(&b).p, "&User=u%26x&"));
    sigv4_key_fini(&key);
}

static void refuses(void **state)
{
    static const struct elasticache_login bad[] = {
        {STR(""), STR("u"), STR("r"), false},
        {STR("c"), STR(""), STR("r"), false},
        {STR("c"), STR("u"), STR(""), false},
        {STR("c/d"), STR("u"), STR("r"), false},
        {STR("c\r\n"), STR("u"), STR("r"), true},
        {STR("c234567890123456789012345678901234567890123456789012345678901234"), STR("u"),
         STR("r"), false},
    };
    struct sigv4_key key = {0};

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        struct buf b CLEANUP(buf_fini);

        buf_init(&b, 4096);
        assert_false(elasticache_password(&key, &who, &bad[i], AT, &b));
        assert_int_equal(buf_len(&b), 0);
    }
}

CHECK_MAIN(cmocka_unit_test(makes_passwords), cmocka_unit_test(takes_the_token),
           cmocka_unit_test(refuses))
