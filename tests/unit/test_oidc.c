#include "wire/oidc.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>

#define ISSUER "https://id.example.org/pool"

static void only_safe_addresses_are_right(void **state)
{
    static const char *const right[] = {"https://a",
                                        "https://a.example:8443/x?y=z",
                                        "http://127.0.0.1:80/x",
                                        "http://localhost",
                                        "http://[::1]:9/",
                                        "http://[::1]"};
    static const char *const wrong[] = {"",
                                        "a",
                                        "https://",
                                        "https:///x",
                                        "http://a",
                                        "http://127.0.0.1.evil.org",
                                        "http://localhost.evil.org/",
                                        "http://[::1].evil.org",
                                        "http://localhost@evil.org",
                                        "https://user@a",
                                        "https://a#b",
                                        "https://a b",
                                        "https://a\n",
                                        "https://a?b",
                                        "HTTPS://a",
                                        "file:///etc/passwd",
                                        "ftp://a"};
    char url[OIDC_URL_MAX];

    (void)state;
    for (size_t i = 0; i < COUNTOF(right); i++)
        if (!oidc_url_right(str_of(right[i])))
            fail_msg("%s", right[i]);
    for (size_t i = 0; i < COUNTOF(wrong); i++)
        if (oidc_url_right(str_of(wrong[i])))
            fail_msg("%s", wrong[i]);
    (void)snprintf(url, sizeof(url), "https://%0*d", OIDC_URL_MAX - 64 - 8, 1);
    assert_true(oidc_url_right(str_of(url)));
    oidc_config_url(str_of(url), url);
    (void)snprintf(url, sizeof(url), "https://%0*d", OIDC_URL_MAX - 64 - 7, 1);
    assert_false(oidc_url_right(str_of(url)));
}

static void its_description_is_found(void **state)
{
    char url[OIDC_URL_MAX];

    (void)state;
    oidc_config_url(STR(ISSUER), url);
    assert_string_equal(url, ISSUER "/.well-known/openid-configuration");
    oidc_config_url(STR("https://a/"), url);
    assert_string_equal(url, "https://a/.well-known/openid-configuration");
}

static void its_description_is_read(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"issuer\":\"" ISSUER "\"}",
                                      "{\"issuer\":\"" ISSUER "/\",\"jwks_uri\":\"https://a/k\"}",
                                      "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://a/k\"}",
                                      "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":[\"https://a/k\"]}",
                                      "{\"issuer\":\"" ISSUER
                                      "\",\"jwks_uri\":\"https://a\",\"jwks_uri\":\"https://b\"}",
                                      "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://a/k\"} x"};
    char url[OIDC_URL_MAX];

    (void)state;
    assert_true(oidc_config_read(STR("{\"scopes_supported\":[\"openid\"],\"issuer\":\"" ISSUER
                                     "\",\"jwks_uri\":\"https:\\/\\/a\\/k\",\"x\":{\"issuer\":1}}"),
                                 STR(ISSUER), url));
    assert_string_equal(url, "https://a/k");
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (oidc_config_read(str_of(bad[i]), STR(ISSUER), url))
            fail_msg("%s", bad[i]);
}

static void how_long_it_holds_is_read(void **state)
{
    uint64_t s = 7;

    (void)state;
    assert_true(oidc_max_age(STR("public, Max-Age=86400 , must-revalidate"), &s) && s == 86400);
    assert_true(oidc_max_age(STR("max-age=60,no-cache"), &s) && s == 0);
    assert_true(oidc_max_age(STR("no-store"), &s) && s == 0);
    assert_false(oidc_max_age(STR("public"), &s));
    assert_false(oidc_max_age(STR("max-age=-1"), &s));
    assert_false(oidc_max_age(STR("max-age"), &s));
    assert_false(oidc_max_age((struct str){0}, &s));
}

CHECK_MAIN(cmocka_unit_test(only_safe_addresses_are_right),
           cmocka_unit_test(its_description_is_found), cmocka_unit_test(its_description_is_read),
           cmocka_unit_test(how_long_it_holds_is_read))
