#include "base/buf.h"
#include "base/str.h"
#include "gateway/json_path.h"
#include "lib/check.h"

static void json_path_finds_values(void **state)
{
    static const char text[] = "{\"a\":\"x\\n\",\"b\":{\"c\":[1,{\"d\":true},\"z\"]},\"n\":null,"
                               "\"e\":1.50,\"f\":{},\"a b\":2}";
    static const struct {
        const char *path, *text, *raw; /* NULL: there is none */
    } cases[] = {
        {"a", "x\n", "\"x\\n\""},
        {"$.a", "x\n", "\"x\\n\""},
        {"b.c[1].d", "true", "true"},
        {"b.c[0]", "1", "1"},
        {"b.c", "[1, {\"d\":true}, z]", "[1,{\"d\":true},\"z\"]"},
        {"b", "{\"c\":[1,{\"d\":true},\"z\"]}", "{\"c\":[1,{\"d\":true},\"z\"]}"},
        {"n", "", "null"},
        {"e", "1.50", "1.50"},
        {"f", "{}", "{}"},
        {"$['a b']", "2", "2"},
        {"b.c[3]", NULL, NULL},
        {"b.x", NULL, NULL},
        {"a.x", NULL, NULL},
        {"b[0]", NULL, NULL},
        {"b.c[x]", NULL, NULL},
        {"z", NULL, NULL},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNTOF(cases); i++)
        for (int raw = 0; raw < 2; raw++) {
            const char *want = raw ? cases[i].raw : cases[i].text;
            bool ok = raw ? json_path_raw(str_of(text), str_of(cases[i].path), &out)
                          : json_path_text(str_of(text), str_of(cases[i].path), &out);

            if (ok != (want != NULL) || !str_eq(buf_peek(&out), str_of(want != NULL ? want : "")))
                fail_msg("%s: %.*s", cases[i].path, STR_ARGS(buf_peek(&out)));
            buf_clear(&out);
        }
    buf_fini(&out);
}

static void json_path_refuses_what_is_not_json(void **state)
{
    static const char *const bad[] = {
        "", "x", "{\"a\":1", "{\"a\":1}x", "{\"a\":1}{}", "[1,]", "{\"a\":[1,2],\"b\":}"};
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        assert_false(json_path_raw(str_of(bad[i]), STR("$"), &out));
        assert_false(json_path_text(str_of(bad[i]), STR("a"), &out));
    }
    assert_int_equal(buf_len(&out), 0);
    assert_true(json_path_raw(STR(" [1, \"x\"] "), STR("$"), &out));
    buf_fini(&out);
}

CHECK_MAIN(cmocka_unit_test(json_path_finds_values),
           cmocka_unit_test(json_path_refuses_what_is_not_json))
