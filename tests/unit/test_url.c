#include "base/str.h"
#include "lib/check.h"
#include "wire/url.h"

static void url_decodes(void **state)
{
    static const struct {
        const char *in;
        enum url_plus plus;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"", URL_PLUS_IS_PLUS, ""},
        {"a%20b%2Fc%c3%A9", URL_PLUS_IS_PLUS, "a b/c\xc3\xa9"},
        {"a+b", URL_PLUS_IS_PLUS, "a+b"},
        {"a+b%2b", URL_PLUS_IS_SPACE, "a b+"},
        {"%25%32%35", URL_PLUS_IS_PLUS, "%25"},
        {"%", URL_PLUS_IS_PLUS, NULL},
        {"a%2", URL_PLUS_IS_PLUS, NULL},
        {"%g0", URL_PLUS_IS_PLUS, NULL},
        {"%0g", URL_PLUS_IS_PLUS, NULL},
        {"%+1", URL_PLUS_IS_PLUS, NULL},
        {"a%00", URL_PLUS_IS_PLUS, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        uint8_t out[32];
        size_t n = 0;
        bool ok = url_decode(str_of(cases[i].in), cases[i].plus, out, &n);

        if (ok != (cases[i].want != NULL))
            fail_msg("%s: %d", cases[i].in, ok);
        if (ok)
            assert_true(str_eq((struct str){out, n}, str_of(cases[i].want)));
    }
    /* The digit that would make it good lies beyond the end. */
    assert_false(url_decode((struct str){(const uint8_t *)"%41", 2}, URL_PLUS_IS_PLUS,
                            (uint8_t[2]){0}, &(size_t){0}));
}

static void url_encodes_and_back(void **state)
{
    struct buf b CLEANUP(buf_fini);
    uint8_t all[255], out[3 * 255];
    size_t n;

    (void)state;
    buf_init(&b, 10000);
    url_encode(&b, STR("a-b_c.d~e /?\xff"));
    assert_true(str_eq(buf_peek(&b), STR("a-b_c.d~e%20%2F%3F%FF")));
    buf_clear(&b);
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)(i + 1);
    url_encode(&b, (struct str){all, sizeof(all)});
    assert_true(buf_len(&b) <= sizeof(out));
    assert_true(url_decode(buf_peek(&b), URL_PLUS_IS_SPACE, out, &n));
    assert_true(str_eq((struct str){out, n}, (struct str){all, sizeof(all)}));
}

static void url_walks_a_query(void **state)
{
    struct str query = STR("&a=1&&b=x=y&c&a=2&d=%4"), name, value;
    uint8_t out[4];
    size_t n = 0, count = 0;

    (void)state;
    for (struct str rest = query; url_query_next(&rest, &name, &value); count++)
        if (count == 1)
            assert_true(str_eq(name, STR("b")) && str_eq(value, STR("x=y")));
        else if (count == 2)
            assert_true(str_eq(name, STR("c")) && value.n == 0);
    assert_int_equal(count, 5);
    assert_true(url_query_get(query, STR("a"), out, sizeof(out), &n));
    assert_true(str_eq((struct str){out, n}, STR("1")));
    assert_true(url_query_get(query, STR("c"), out, sizeof(out), &n));
    assert_int_equal(n, 0);
    assert_false(url_query_get(query, STR("b"), out, 2, &n));
    assert_false(url_query_get(query, STR("d"), out, sizeof(out), &n));
    assert_false(url_query_get(query, STR("e"), out, sizeof(out), &n));
    assert_false(url_query_get(STR(""), STR(""), out, sizeof(out), &n));
}

static void splits_to(const char *url, const char *host, const char *path)
{
    struct str h, p;

    assert_true(url_split(str_of(url), &h, &p));
    assert_true(str_eq(h, str_of(host)));
    assert_true(str_eq(p, str_of(path)));
}

static void url_is_split(void **state)
{
    static const char *const bad[] = {"", "host/path", "https:/host", "https://", "https:///path"};
    struct str h = {0}, p = {0};

    (void)state;
    splits_to("https://host:8443/a/b?c=d://e", "host:8443", "/a/b?c=d://e");
    splits_to("http://host", "host", "");
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_false(url_split(str_of(bad[i]), &h, &p));
    assert_true(h.p == NULL && p.p == NULL);
}

CHECK_MAIN(cmocka_unit_test(url_decodes), cmocka_unit_test(url_encodes_and_back),
           cmocka_unit_test(url_walks_a_query), cmocka_unit_test(url_is_split))
