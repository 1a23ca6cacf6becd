/* How a bot's message shows itself: chat/model/guise.h. */
#include "chat/model/guise.h"

#include "base/str.h"
#include "lib/check.h"

#include <string.h>

static enum error_code check(const char *name, const char *picture, const char **param)
{
    return guise_check(&(struct guise){str_of(name), str_of(picture)}, param);
}

static void what_a_bot_may_look_like(void **state)
{
    static const char *const good[] = {"", "🚀", "https://e.org", "https://e.org:8443/a%20b?c=d#e"};
    static const char *const bad[] = {
        "x",         "https://",       "https:///a",      "http://e.org", "HTTPS://e.org",
        "data:,x",   "https://e.org ", "https://a@e.org", "https://:1/",  "https://e.org/\"",
        "https://ö", "https://e.org/'"};
    const char *param;

    (void)state;
    for (unsigned i = 0; i < COUNTOF(good); i++)
        assert_int_equal(check("Deploy 7", good[i], &param), ERROR_NONE);
    for (unsigned i = 0; i < COUNTOF(bad); i++) {
        assert_int_equal(check("", bad[i], &param), ERROR_bad_picture);
        assert_string_equal(param, "picture");
    }
    assert_int_equal(check("a\nb", "", &param), ERROR_bad_name);
    assert_string_equal(param, "as");
    assert_int_equal(check("Аnna", "", &param), ERROR_bad_name); /* of two scripts */
}

static void the_field_reads_back(void **state)
{
    struct guise g = {STR("Deploy"), STR("https://e.org/a")}, back;
    char buf[GUISE_MAX], text[200];
    struct buf out CLEANUP(buf_fini);
    struct json_out o;
    struct str field;

    (void)state;
    field = guise_encode(&g, buf);
    back = guise_decode(field);
    assert_true(str_eq(back.name, g.name) && str_eq(back.picture, g.picture));
    buf_init(&out, 1000);
    json_out_init(&o, &out);
    json_out_object(&o);
    guise_put((struct str){0}, &o);
    json_out_object_end(&o);
    json_out_init(&o, &out);
    json_out_object(&o);
    guise_put(field, &o);
    json_out_object_end(&o);
    json_out_init(&o, &out);
    json_out_object(&o);
    guise_put(STR("\n"), &o);
    json_out_object_end(&o);
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARGS(buf_peek(&out)));
    assert_string_equal(text, "{}{\"bot\":true,\"as\":\"Deploy\",\"picture\":\"https://e.org/a\"}"
                              "{\"bot\":true}");
}

CHECK_MAIN(cmocka_unit_test(what_a_bot_may_look_like), cmocka_unit_test(the_field_reads_back))
