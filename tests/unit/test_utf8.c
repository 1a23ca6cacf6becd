#include "base/str.h"
#include "base/utf8.h"
#include "lib/check.h"

/* The reference: decodes by the arithmetic of RFC 3629 3 and then judges the
 * value, where utf8.c judges bytes by their neighbours. */
static bool decodes(const uint8_t *p, size_t n, size_t *ret_used)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80             ? 1
                 : (p[0] & 0xe0) == 0xc0 ? 2
                 : (p[0] & 0xf0) == 0xe0 ? 3
                 : (p[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    uint32_t v = len == 1 ? p[0] : p[0] & (0x7fu >> len);

    if (len == 0 || len > n)
        return false;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
        v = v << 6 | (p[i] & 0x3f);
    }
    *ret_used = len;
    return v >= least[len] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

static bool valid_by_value(const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t used = 0;

        if (!decodes(p, n, &used))
            return false;
        p += used;
        n -= used;
    }
    return true;
}

/* All strings of up to three bytes, and four bytes around every boundary. */
static void utf8_agrees_with_arithmetic(void **state)
{
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                    0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xff};
    size_t valid = 0;

    (void)state;
    for (uint32_t v = 0; v < 1u << 24; v++) {
        uint8_t p[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        bool want = valid_by_value(p, 3);

        if (utf8_valid((struct str){p, 3}) != want)
            fail_msg("%02x %02x %02x: %d expected", p[0], p[1], p[2], want);
        valid += want;
    }
    assert_true(valid > 1u << 21 && valid < 1u << 23);
    for (uint32_t a = 0xe0; a <= 0xff; a++)
        for (uint32_t b = 0; b < 256; b++)
            for (size_t i = 0; i < COUNTOF(edges) * COUNTOF(edges); i++) {
                uint8_t p[4] = {(uint8_t)a, (uint8_t)b, edges[i / COUNTOF(edges)],
                                edges[i % COUNTOF(edges)]};

                if (utf8_valid((struct str){p, 4}) != valid_by_value(p, 4))
                    fail_msg("%02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
            }
}

static void utf8_any_split_is_the_same(void **state)
{
    struct str s =
        STR("plain ascii that is long \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 end, eight!");

    (void)state;
    for (size_t cut = 0; cut <= s.n; cut++) {
        struct utf8 u = {0};

        assert_true(utf8_feed(&u, (struct str){s.p, cut}));
        assert_int_equal(utf8_complete(&u), valid_by_value(s.p, cut));
        assert_true(utf8_feed(&u, str_skip(s, cut)));
        assert_true(utf8_complete(&u));
    }
}

/* A text is refused at the first byte that cannot stand where it does. */
static void utf8_refuses_early(void **state)
{
    static const struct {
        const char *bytes;
        size_t bad_at;
    } cases[] = {
        {"\x80", 0},
        {"\xc0\xaf", 0},
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 1},
        {"\xed\xa0\x80", 1},
        {"\xf0\x8f\xbf\xbf", 1},
        {"\xf4\x90\x80\x80", 1},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xe2\x82x", 2},
        {"ab\xc3(", 3},
        {"12345678\x80", 8},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct str s = str_of(cases[i].bytes);
        struct utf8 u = {0};

        for (size_t at = 0; at < cases[i].bad_at; at++)
            assert_true(utf8_feed(&u, (struct str){s.p + at, 1}));
        assert_false(utf8_feed(&u, (struct str){s.p + cases[i].bad_at, 1}));
        assert_false(utf8_valid(s));
    }
    assert_false(utf8_valid(STR("cut short \xe2\x82")));
}

static void utf8_counts_and_cuts(void **state)
{
    struct str s = STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 and then sixteen");

    (void)state;
    assert_int_equal(utf8_count(s), 4 + 17);
    assert_int_equal(utf8_count(STR("")), 0);
    assert_int_equal(utf8_count(STR("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac")), 4);
    assert_int_equal(utf8_prefix(s, 100).n, s.n);
    assert_int_equal(utf8_prefix(s, 2).n, 1);
    assert_int_equal(utf8_prefix(s, 3).n, 3);
    assert_int_equal(utf8_prefix(s, 5).n, 3);
    assert_int_equal(utf8_prefix(s, 9).n, 6);
    assert_int_equal(utf8_prefix(s, 10).n, 10);
    assert_int_equal(utf8_prefix(s, 0).n, 0);
}

CHECK_MAIN(cmocka_unit_test(utf8_agrees_with_arithmetic),
           cmocka_unit_test(utf8_any_split_is_the_same), cmocka_unit_test(utf8_refuses_early),
           cmocka_unit_test(utf8_counts_and_cuts))
