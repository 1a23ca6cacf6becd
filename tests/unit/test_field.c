#include "base/str.h"
#include "lib/check.h"
#include "wire/field.h"
#include "wire/http1.h"

#include <string.h>
#include <time.h>

/* Against the C library, over every day of four centuries and odd seconds. */
static void field_dates_agree_with_the_library(void **state)
{
    (void)state;
    for (int64_t s = 0; s < 400ll * 366 * 86400; s += 86400 - 7) {
        char got[FIELD_DATE_LEN], want[FIELD_DATE_LEN + 1];
        time_t t = (time_t)s;
        struct tm tm;

        assert_non_null(gmtime_r(&t, &tm));
        assert_int_equal(strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm),
                         FIELD_DATE_LEN);
        field_date_format(s, got);
        assert_memory_equal(got, want, FIELD_DATE_LEN);
    }
}

static void field_splits_lists_and_parameters(void **state)
{
    struct str rest = STR(" a ,, \"b, \\\" c\" ,d;e=\"f,g\";h,"), element;
    static const char *const want[] = {"a", "\"b, \\\" c\"", "d;e=\"f,g\";h"};
    struct field_param p;
    size_t n = 0;

    (void)state;
    for (; field_list_next(&rest, &element); n++) {
        assert_true(n < COUNTOF(want));
        assert_true(str_eq(element, str_of(want[n])));
    }
    assert_int_equal(n, COUNTOF(want));
    rest = STR("d; e=\"f;g\" ;h;i=j;k=l m;n=\"o\\p\"; ;q=");
    assert_true(field_param_next(&rest, &p) && str_eq(p.name, STR("d")) && !p.has_value);
    assert_true(field_param_next(&rest, &p) && str_eq(p.name, STR("e")) && p.has_value);
    assert_true(str_eq(p.value, STR("f;g")));
    assert_true(field_param_next(&rest, &p) && str_eq(p.name, STR("h")) && !p.has_value);
    assert_true(field_param_next(&rest, &p) && str_eq(p.value, STR("j")));
    for (int i = 0; i < 4; i++)
        assert_true(field_param_next(&rest, &p) && p.name.n == 0);
    assert_false(field_param_next(&rest, &p));
}

static void field_matches_etags(void **state)
{
    static const struct {
        const char *list;
        bool want;
    } cases[] = {
        {"\"abc\"", true},
        {"W/\"abc\"", true},
        {" * ", true},
        {"\"x\", \"abc\"", true},
        {"\"x\",W/\"abc\"", true},
        {"\"a,\\\" , \"abc\"", true},
        {"", false},
        {"abc", false},
        {"\"abcd\"", false},
        {"\"abc", false},
        {"\"x\" \"abc\"", false},
        {"w/\"abc\"", false},
        {"\"x\", *", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++)
        if (field_etag_match(str_of(cases[i].list), STR("\"abc\"")) != cases[i].want)
            fail_msg("%s", cases[i].list);
    assert_true(field_etag_match(STR("\"abc\""), STR("W/\"abc\"")));
}

static void field_negotiates_codings(void **state)
{
    static const uint32_t both = 1u << FIELD_GZIP | 1u << FIELD_BR, gzip = 1u << FIELD_GZIP;
    static const struct {
        const char *accept;
        uint32_t available;
        enum field_coding want;
    } cases[] = {
        {"gzip, deflate, br", both, FIELD_BR},
        {"gzip, deflate, br", gzip, FIELD_GZIP},
        {"gzip, deflate, br", 0, FIELD_IDENTITY},
        {"gzip;q=1.0, br;q=0.9", both, FIELD_GZIP},
        {"gzip; Q=0.5, BR; q=0.501", both, FIELD_BR},
        {"br;q=0, gzip;q=0.001", both, FIELD_GZIP},
        {"*", both, FIELD_BR},
        {"*;q=0.5, br;q=0", both, FIELD_GZIP},
        {"identity;q=1, gzip;q=0.5", both, FIELD_IDENTITY},
        {"identity, gzip", both, FIELD_GZIP},
        {"identity;q=0", both, FIELD_IDENTITY},
        {"gzip;q=2", both, FIELD_IDENTITY},
        {"gzip;q=x", both, FIELD_IDENTITY},
        {"gzip;v=1", both, FIELD_IDENTITY},
        {"gzip;q=1.001", both, FIELD_IDENTITY},
        {"", both, FIELD_IDENTITY},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        enum field_coding got = field_accept_encoding(str_of(cases[i].accept), cases[i].available);

        if (got != cases[i].want)
            fail_msg("%s: %d", cases[i].accept, got);
    }
}

static void field_finds_cookies(void **state)
{
    struct http1_headers h = {.n = 3,
                              .at = {{STR("X"), STR("a=0")},
                                     {STR("cookie"), STR("b=1; a2=3;aa; a=x=\"y\" ; a=5")},
                                     {STR("Cookie"), STR("c=4; A=6")}}};
    struct str value = {0};

    (void)state;
    assert_true(field_cookie(&h, STR("a"), &value) && str_eq(value, STR("x=\"y\"")));
    assert_true(field_cookie(&h, STR("c"), &value) && str_eq(value, STR("4")));
    assert_true(field_cookie(&h, STR("A"), &value) && str_eq(value, STR("6")));
    assert_false(field_cookie(&h, STR("d"), &value));
}

/* Proxies are 10.x and whatever is within *arg hops. */
static bool trusts(void *arg, struct str address, uint32_t hop)
{
    return hop < *(uint32_t *)arg || str_starts(address, STR("10."));
}

static void field_picks_the_client(void **state)
{
    static const struct {
        const char *first, *second, *peer;
        uint32_t hops;
        const char *want;
    } cases[] = {
        {"1.1.1.1", "2.2.2.2", "9.9.9.9", 0, "9.9.9.9"},
        {"1.1.1.1", "2.2.2.2", "10.0.0.1", 0, "2.2.2.2"},
        {"1.1.1.1", "2.2.2.2", "9.9.9.9", 1, "2.2.2.2"},
        {"1.1.1.1", "2.2.2.2", "9.9.9.9", 2, "1.1.1.1"},
        {"1.1.1.1", "2.2.2.2", "9.9.9.9", 9, "1.1.1.1"},
        {"1.1.1.1, 10.0.0.3:81", " 10.0.0.2 ", "10.0.0.1", 0, "1.1.1.1"},
        {"evil, 2001:db8::1", "[10.0.0.2]:80", "10.0.0.1", 0, "2001:db8::1"},
        {"1.1.1.1, unknown", "10.0.0.2", "10.0.0.1", 0, "10.0.0.2"},
        {"1.1.1.1, , 10.0.0.3", "10.0.0.2", "10.0.0.1", 0, "10.0.0.3"},
        {"[2001:db8::1]:443", "", "10.0.0.1", 0, "2001:db8::1"},
        {"", "", "10.0.0.1", 0, "10.0.0.1"},
        {"<script>", "", "10.0.0.1", 0, "10.0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct http1_headers h = {.n = 3,
                                  .at = {{STR("X-Forwarded-For"), str_of(cases[i].first)},
                                         {STR("Other"), STR("3.3.3.3")},
                                         {STR("x-forwarded-for"), str_of(cases[i].second)}}};
        uint32_t hops = cases[i].hops;
        struct str got = field_client_address(&h, str_of(cases[i].peer), trusts, &hops);

        if (!str_eq(got, str_of(cases[i].want)))
            fail_msg("case %zu: %.*s", i, STR_ARGS(got));
    }
}

/* RFC 9110 5.6.2 and 5.5: every byte, at every place that is looked at together. */
static void every_byte_is_a_tchar_or_none(void **state)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool tchar = alnum || (c != 0 && strchr(others, (int)c) != NULL);
        bool value = (c >= ' ' && c != 0x7f) || c == '\t';

        for (size_t at = 0; at < 19; at++) {
            uint8_t text[19];

            memset(text, 'a', sizeof(text));
            text[at] = (uint8_t)c;
            assert_int_equal(field_is_token((struct str){text, sizeof(text)}), tchar);
            assert_int_equal(field_is_value((struct str){text, sizeof(text)}), value);
        }
    }
}

static void field_reads_strings(void **state)
{
    static const struct {
        const char *value, *want; /* NULL: it is none */
    } cases[] = {
        {"\"abc\"", "abc"},
        {"  \"a b\"\t", "a b"},
        {"\"a\\\"b\\\\\"", "a\"b\\"},
        {"\"abc\";v=1", "abc"},
        {"\"abc\" ; v=1; w", "abc"},
        {"\"12345678\"", "12345678"},
        {"12345678", "12345678"},
        {"a/b:c-_=", "a/b:c-_="},
        {"123456789", NULL},
        {"\"123456789\"", NULL},
        {"", NULL},
        {"\"\"", NULL},
        {"\"", NULL},
        {"\"abc", NULL},
        {"\"abc\\", NULL},
        {"\"a\\b\"", NULL},
        {"\"abc\"d", NULL},
        {"\"abc\", \"d\"", NULL},
        {"\"abc\"; =", NULL},
        {"a\"b", NULL},
        {"a b", NULL},
        {"a,b", NULL},
        {"a;b", NULL},
        {"a\\b", NULL},
        {"\"\xc3\xa9\"", NULL},
        {"\xc3\xa9", NULL},
        {"\"a\tb\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        char got[8];
        size_t n = 0;
        bool is = field_item_string(str_of(cases[i].value), got, sizeof(got), &n);

        if (is != (cases[i].want != NULL) ||
            (is && !str_eq((struct str){(const uint8_t *)got, n}, str_of(cases[i].want))))
            fail_msg("case %zu: %s", i, cases[i].value);
    }
}

CHECK_MAIN(cmocka_unit_test(every_byte_is_a_tchar_or_none), cmocka_unit_test(field_reads_strings),
           cmocka_unit_test(field_dates_agree_with_the_library),
           cmocka_unit_test(field_splits_lists_and_parameters),
           cmocka_unit_test(field_matches_etags), cmocka_unit_test(field_negotiates_codings),
           cmocka_unit_test(field_finds_cookies), cmocka_unit_test(field_picks_the_client))
