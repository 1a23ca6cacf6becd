#include "base/str.h"
#include "lib/check.h"
#include "wire/hostname.h"
#include "wire/http1.h"

static void is(const char *authority, const char *name)
{
    struct str got = hostname_of(str_of(authority));

    if (!str_eq(got, str_of(name)))
        fail_msg("%s is %.*s", authority, STR_ARGS(got));
}

static void a_name_is_what_stands_before_the_port(void **state)
{
    (void)state;
    is("chat.example.org", "chat.example.org");
    is("chat.example.org.:8080", "chat.example.org");
    is("[::1]:8080", "::1");
    is("[::1]", "::1");
    is("127.0.0.1:1", "127.0.0.1");
    is(":8080", "");
    is("", "");
    is(".", ".");
    assert_true(str_eq(hostname_of_origin(STR("https://a:1")), STR("a:1")));
    assert_true(str_eq(hostname_of_origin(STR("http://a")), STR("a")));
    assert_int_equal(hostname_of_origin(STR("null")).n, 0);
    assert_int_equal(hostname_of_origin(STR("ftp://a")).n, 0);
}

static void loopback_is_what_no_resolver_can_move(void **state)
{
    static const char *const yes[] = {"localhost", "LocalHost",       "a.localhost",
                                      "127.0.0.1", "127.255.255.255", "::1"};
    static const char *const no[] = {"",
                                     "localhost.a",
                                     "xlocalhost",
                                     "127.1",
                                     "127.0.0.1.a",
                                     "127.0.0.256",
                                     "127.0.0.",
                                     "128.0.0.1",
                                     "::2",
                                     "0.0.0.0",
                                     "127.0.0.1.1",
                                     "0127.0.0.1",
                                     "127.0.0.0001"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(yes); i++)
        if (!hostname_is_loopback(str_of(yes[i])))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < COUNTOF(no); i++)
        if (hostname_is_loopback(str_of(no[i])))
            fail_msg("%s", no[i]);
    assert_true(hostname_is_address(STR("10.0.0.1")) && hostname_is_address(STR("fe80::1")));
    assert_false(hostname_is_address(STR("10.0.0")) || hostname_is_address(STR("a.b.c.d")) ||
                 hostname_is_address(STR("")) || hostname_is_address(STR("1.2.3.4.")));
}

static void patterns_are_whole_names(void **state)
{
    static const struct {
        const char *authority, *pattern;
        bool matches;
    } cases[] = {
        {"a.example", "a.example", true},
        {"A.Example.:8080", "a.example", true},
        {"a.example:8080", "a.example:8080", true},
        {"a.example:8081", "a.example:8080", false},
        {"a.example", "a.example:8080", false},
        {"xa.example", "a.example", false},
        {"a.example.evil", "a.example", false},
        {"b.a.example", "*.a.example", true},
        {"c.b.a.example", "*.a.example", true},
        {"a.example", "*.a.example", false},
        {".a.example", "*.a.example", false},
        {"xa.example", "*.a.example", false},
        {"anything", "*", true},
        {"", "", false},
        {"[2001:db8::1]:80", "[2001:db8::1]", true},
        {"[2001:db8::1]:80", "2001:db8::1", true},
        {"[2001:db8::2]:80", "[2001:db8::1]", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        if (hostname_matches(str_of(cases[i].authority), str_of(cases[i].pattern)) !=
            cases[i].matches)
            fail_msg("%s, %s", cases[i].authority, cases[i].pattern);
}

static void the_machine_has_one_name_and_its_local_forms(void **state)
{
    static const char *const yes[] = {"box",        "BOX:80",        "box.local",
                                      "box.lan.:1", "box.home.arpa", "box.corp.example"};
    static const char *const no[] = {"",      "xbox",     "boxx",  "box.evil", "box.local.evil",
                                     "x.box", "box.corp", "local", ".local"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(yes); i++)
        if (!hostname_is_own(str_of(yes[i]), STR("box.corp.example")))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < COUNTOF(no); i++)
        if (hostname_is_own(str_of(no[i]), STR("box.corp.example")))
            fail_msg("%s", no[i]);
    assert_false(hostname_is_own(STR("box"), STR("")));
    assert_false(hostname_is_own(STR(".local"), STR(".x")));
}

static void proxies_leave_marks(void **state)
{
    static const char *const yes[] = {"x-forwarded-for", "X-Forwarded-Anything", "Forwarded", "VIA",
                                      "X-Real-IP",       "CF-Connecting-IP"};
    static const char *const no[] = {"x-forwarded", "x-forwarded-", "host", "viaduct",
                                     "x-requested-with"};
    struct http1_headers h = {.n = 1};

    (void)state;
    for (size_t i = 0; i < COUNTOF(yes); i++) {
        h.at[0].name = str_of(yes[i]);
        if (!hostname_is_forwarded(&h))
            fail_msg("%s", yes[i]);
    }
    for (size_t i = 0; i < COUNTOF(no); i++) {
        h.at[0].name = str_of(no[i]);
        if (hostname_is_forwarded(&h))
            fail_msg("%s", no[i]);
    }
}

CHECK_MAIN(cmocka_unit_test(a_name_is_what_stands_before_the_port),
           cmocka_unit_test(loopback_is_what_no_resolver_can_move),
           cmocka_unit_test(patterns_are_whole_names),
           cmocka_unit_test(the_machine_has_one_name_and_its_local_forms),
           cmocka_unit_test(proxies_leave_marks))
