#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/check.h"

#include <math.h>

/* Appends one token in a short form: k: for a key, then { } [ ] "s" i1 n1.5 t f 0. */
static void put_token(struct buf *b, const struct json *j, enum json_token t, bool member)
{
    static const char signs[] = "$?{}[]\"intf0";

    if (member)
        buf_printf(b, "%.*s:", STR_ARGS(j->key));
    buf_append_byte(b, (uint8_t)signs[t]);
    if (t == JSON_STRING || t == JSON_NUMBER)
        buf_append(b, j->str);
    if (t == JSON_STRING)
        buf_append_byte(b, '"');
    if (t == JSON_INT)
        buf_printf(b, "%lld", (long long)j->i64);
}

/* The tokens of text, to $ (the end) or ? (an error), which is returned. */
static enum json_error trace(struct str text, unsigned depth_max, struct buf *ret)
{
    uint8_t *copy = malloc(text.n + 1);
    bool objects[JSON_DEPTH_MAX + 1] = {false};
    unsigned depth = 0;
    struct json j;
    enum json_token t;

    assert_non_null(copy);
    copy = realloc(copy, text.n > 0 ? text.n : 1);
    assert_non_null(copy);
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    buf_clear(ret);
    json_init(&j, copy, text.n, depth_max);
    do {
        t = json_next(&j);
        put_token(ret, &j, t, objects[depth] && t != JSON_OBJECT_END && t != JSON_ERROR);
        if (t == JSON_OBJECT || t == JSON_ARRAY)
            objects[++depth] = t == JSON_OBJECT;
        if (t == JSON_OBJECT_END || t == JSON_ARRAY_END)
            depth--;
    } while (t != JSON_END && t != JSON_ERROR);
    assert_int_equal(json_next(&j), t);
    free(copy);
    return j.error;
}

static void check_trace(const char *text, const char *want)
{
    struct buf got CLEANUP(buf_fini);
    enum json_error error;

    buf_init(&got, 4096);
    error = trace(str_of(text), 4, &got);
    buf_append_byte(&got, 0);
    assert_string_equal((const char *)buf_peek(&got).p, want);
    assert_int_equal(error, JSON_OK);
}

static void check_error(struct str text, enum json_error want)
{
    struct buf got CLEANUP(buf_fini);

    buf_init(&got, 1 << 20);
    if (trace(text, 4, &got) != want)
        fail_msg("%.*s: not refused as it should be", STR_ARGS(text));
}

static void json_reads_values(void **state)
{
    (void)state;
    check_trace("{}", "{}$");
    check_trace(" \t\r\n[ ] \n", "[]$");
    check_trace("\"\"", "\"\"$");
    check_trace("null", "0$");
    check_trace("[true,false,null]", "[tf0]$");
    check_trace("{\"a\":1,\"b\":{\"c\":[\"x\",2]},\"a\":\"y\"}", "{a:i1b:{c:[\"x\"i2]}a:\"y\"}$");
    check_trace(" { \"a\" : [ 1 , 2 ] , \"\" : { } } ", "{a:[i1i2]:{}}$");
    check_trace("[[[[]]]]", "[[[[]]]]$");
}

static void json_reads_numbers(void **state)
{
    (void)state;
    check_trace("[0,-0,-1,10,9007199254740991,-9007199254740991]",
                "[i0i0i-1i10i9007199254740991i-9007199254740991]$");
    check_trace("[9007199254740992,99999999999999999999,1.5,1e3,-0.1E-2,2e+9,0.0]",
                "[n9007199254740992n99999999999999999999n1.5n1e3n-0.1E-2n2e+9n0.0]$");
    /* These would wrap to 1 in 64 bits. */
    check_trace("[18446744073709551617,-18446744073709551617]",
                "[n18446744073709551617n-18446744073709551617]$");
}

static void json_unescapes_in_place(void **state)
{
    struct buf got CLEANUP(buf_fini);

    (void)state;
    check_trace("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\"\\/\b\f\n\r\t\"$");
    check_trace("\"a\\u00e9b\\u20AC\\ud83d\\ude00c and more text\\n\"",
                "\"a\xc3\xa9"
                "b\xe2\x82\xac\xf0\x9f\x98\x80"
                "c and more text\n\"$");
    check_trace("{\"\\u006bey\":\"v\"}", "{key:\"v\"}$");
    check_trace("\"\xf4\x8f\xbf\xbf\\uffff\\u0080\\u07ff\\u0800\"",
                "\"\xf4\x8f\xbf\xbf\xef\xbf\xbf\xc2\x80\xdf\xbf\xe0\xa0\x80\"$");
    buf_init(&got, 100);
    assert_int_equal(trace(STR("\"a\\u0000b\""), 1, &got), JSON_OK);
    assert_true(str_eq(buf_peek(&got), STR("\"a\0b\"$")));
}

static void json_refuses_bad_syntax(void **state)
{
    static const char *const bad[] = {
        "",          " ",
        "{",         "[",
        "]",         "}",
        "\"",        "\"a",
        "\"\\",      "\"\\x\"",
        "\"\\u12",   "\"\\u12g4\"",
        "{a:1}",     "{\"a\"}",
        "{\"a\":}",  "{\"a\":1,}",
        "{\"a\" 1}", "{,}",
        "[1,]",      "[,1]",
        "[1 2]",     "[1}",
        "{\"a\":1]", "tru",
        "trux",      "nul",
        "True",      "'a'",
        "[1]]",      "1 2",
        "{} {}",     "{}x",
        "\"a\nb\"",  "\"\x1f\"",
        "\"a\tb\"",  "[1,,2]",
        "+1",        ".5",
        "NaN",       "Infinity",
        "/**/1",     "\xef\xbb\xbf{}",
        "{1:2}",     "{\"a\":1 \"b\":2}",
        "\v1",       "[\"a\"\"b\"]",
        "0x10",      "1a",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        check_error(str_of(bad[i]), JSON_BAD_SYNTAX);
    check_error(STR("[1]\0"), JSON_BAD_SYNTAX);
    check_error(STR("\"a\0b\""), JSON_BAD_SYNTAX);
}

static void json_refuses_bad_numbers(void **state)
{
    static const char *const bad[] = {"-",  "01",  "-01", "00",   "1.",   "1.e1",
                                      "1e", "1e+", "-a",  "1.5e", "[1.]", "{\"a\":-}"};
    char text[JSON_NUMBER_N + 2];

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        check_error(str_of(bad[i]), JSON_BAD_NUMBER);
    memset(text, '1', sizeof(text));
    check_error((struct str){(uint8_t *)text, JSON_NUMBER_N + 1}, JSON_BAD_NUMBER);
    check_error((struct str){(uint8_t *)text, JSON_NUMBER_N}, JSON_OK);
}

static void json_refuses_bad_text(void **state)
{
    static const char *const bad[] = {
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xe2\x82\"",
        "\"\xc3\\n\"",
        "\"abcdefgh\x80ijklmnop\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud83d\\n\"",
        "{\"\xfe\":1}",
        "\"\xf4\x90\x80\x80\"",
        "\"\\ude00\\ud83d\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        check_error(str_of(bad[i]), JSON_BAD_UTF8);
}

static void json_bounds_depth(void **state)
{
    struct buf got CLEANUP(buf_fini);
    uint8_t deep[2 * JSON_DEPTH_MAX];

    (void)state;
    check_error(STR("[[[[[]]]]]"), JSON_TOO_DEEP);
    check_error(STR("[{\"a\":[[{}]]}]"), JSON_TOO_DEEP);
    check_error(STR("[[[[]],[[]]]]"), JSON_OK);
    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    buf_init(&got, 1000);
    assert_int_equal(trace((struct str){deep, sizeof(deep)}, JSON_DEPTH_MAX, &got), JSON_OK);
    assert_int_equal(trace(STR("{}"), 0, &got), JSON_TOO_DEEP);
    assert_int_equal(trace(STR("1"), 0, &got), JSON_OK);
}

/* Every prefix of a good text is refused, with nothing read beyond its end. */
static void json_refuses_every_prefix(void **state)
{
    struct str text = STR("{\"a\":[1.5e+7,\"x\\u00e9\\ud83d\\ude00y\",true,null],\"b\":"
                          "{\"c\":\"a longer text, \xe2\x82\xac\\n, over words\"}}");
    struct buf got CLEANUP(buf_fini);

    (void)state;
    buf_init(&got, 1000);
    assert_int_equal(trace(text, 4, &got), JSON_OK);
    for (size_t n = 0; n < text.n; n++)
        assert_int_not_equal(trace((struct str){text.p, n}, 4, &got), JSON_OK);
}

static void json_skips(void **state)
{
    uint8_t text[] = "{\"a\":{\"x\":[1,{\"y\":2}],\"z\":3},\"b\":[[],[4]],\"c\":5}";
    uint8_t bad[] = "{\"a\":{\"x\":[1,{\"y\":2}],\"z\":}}";
    struct json j;

    (void)state;
    json_init(&j, text, sizeof(text) - 1, 8);
    assert_int_equal(json_next(&j), JSON_OBJECT);
    assert_true(json_skip(&j, json_next(&j)));
    assert_true(json_skip(&j, json_next(&j)));
    assert_int_equal(json_next(&j), JSON_INT);
    assert_true(str_eq(j.key, STR("c")));
    assert_true(json_skip(&j, JSON_INT));
    assert_int_equal(json_next(&j), JSON_OBJECT_END);
    assert_int_equal(json_next(&j), JSON_END);

    json_init(&j, bad, sizeof(bad) - 1, 8);
    assert_int_equal(json_next(&j), JSON_OBJECT);
    assert_false(json_skip(&j, json_next(&j)));
    assert_int_equal(j.error, JSON_BAD_SYNTAX);
    assert_false(json_skip(&j, json_next(&j)));
}

static void json_out_writes(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct json_out o;

    (void)state;
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    json_out_object(&o);
    json_out_field_str(&o, "s", STR("a\"b\\c\n\x01\x1f\x7f\b\f\r\t/\xe2\x80\xa8"));
    json_out_field_u64(&o, "u", UINT64_MAX);
    json_out_field_bool(&o, "t", true);
    json_out_key(&o, "list");
    json_out_array(&o);
    json_out_i64(&o, INT64_MIN);
    json_out_i64(&o, 0);
    json_out_object(&o);
    json_out_object_end(&o);
    json_out_array(&o);
    json_out_array_end(&o);
    json_out_null(&o);
    json_out_bool(&o, false);
    json_out_raw(&o, STR("{\"id\":7}"));
    json_out_str(&o, (struct str){0});
    json_out_array_end(&o);
    json_out_key_str(&o, STR("k\"y"));
    json_out_u64(&o, 0);
    json_out_key_str(&o, STR("d"));
    json_out_array(&o);
    json_out_double(&o, 0.1);
    json_out_double(&o, 1.0 / 3);
    json_out_double(&o, -2.5e300);
    json_out_double(&o, (double)NAN);
    json_out_double(&o, (double)INFINITY);
    json_out_array_end(&o);
    json_out_object_end(&o);
    assert_false(b.failed);
    buf_append_byte(&b, 0);
    assert_string_equal((const char *)buf_peek(&b).p,
                        "{\"s\":\"a\\\"b\\\\c\\n\\u0001\\u001f\x7f\\b\\f\\r\\t/\xe2\x80\xa8\","
                        "\"u\":18446744073709551615,\"t\":true,\"list\":[-9223372036854775808,0,"
                        "{},[],null,false,{\"id\":7},\"\"],\"k\\\"y\":0,"
                        "\"d\":[0.1,0.33333333333333331,-2.5e+300,null,null]}");
}

static void json_out_stops_at_the_bound(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct json_out o;

    (void)state;
    buf_init(&b, 12);
    json_out_init(&o, &b);
    json_out_array(&o);
    json_out_str(&o, STR("\n\n\n\n\n\n\n\n"));
    json_out_array_end(&o);
    assert_true(b.failed);
    assert_true(buf_len(&b) <= 12);
}

/* Any ASCII text, at any length and place of its escapes, comes back. */
static void json_round_trips_text(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct rng rng;

    (void)state;
    rng_init(&rng, check_seed(7));
    buf_init(&b, 4096);
    for (int round = 0; round < 2000; round++) {
        uint8_t text[64];
        size_t n = rng_below(&rng, sizeof(text) + 1);
        struct json_out o;
        struct json j;

        for (size_t i = 0; i < n; i++)
            text[i] =
                (uint8_t)(rng_chance(&rng, 900) ? 'a' + rng_below(&rng, 26) : rng_below(&rng, 128));
        buf_clear(&b);
        json_out_init(&o, &b);
        json_out_str(&o, (struct str){text, n});
        json_init(&j, b.bytes, buf_len(&b), 0);
        assert_int_equal(json_next(&j), JSON_STRING);
        assert_true(str_eq(j.str, (struct str){text, n}));
        assert_int_equal(json_next(&j), JSON_END);
    }
}

CHECK_MAIN(cmocka_unit_test(json_reads_values), cmocka_unit_test(json_reads_numbers),
           cmocka_unit_test(json_unescapes_in_place), cmocka_unit_test(json_refuses_bad_syntax),
           cmocka_unit_test(json_refuses_bad_numbers), cmocka_unit_test(json_refuses_bad_text),
           cmocka_unit_test(json_bounds_depth), cmocka_unit_test(json_refuses_every_prefix),
           cmocka_unit_test(json_skips), cmocka_unit_test(json_out_writes),
           cmocka_unit_test(json_out_stops_at_the_bound), cmocka_unit_test(json_round_trips_text))
