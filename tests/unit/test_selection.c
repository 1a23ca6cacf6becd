#include "base/buf.h"
#include "base/str.h"
#include "gateway/selection.h"
#include "lib/check.h"

static const char *selected(struct api *a, const char *expression, const char *body)
{
    const struct api_route *r;

    free(a->selection);
    a->selection = str_dup(str_of(expression));
    r = selection_route(a, str_of(body));
    return r != NULL ? r->key : "none";
}

static void selection_takes_routes(void **state)
{
    static const struct {
        const char *expression, *body, *key;
    } cases[] = {
        {"$request.body.action", "{\"action\":\"send\"}", "send"},
        {"${request.body.action}", "{\"action\":\"send\"}", "send"},
        {"$request.body.action", "{\"action\":\"Send\"}", "$default"},
        {"$request.body.action", "{\"action\":7}", "7"},
        {"$request.body.action", "{\"action\":true}", "true"},
        {"$request.body.action", "{\"action\":[\"a\",1]}", "[a, 1]"},
        {"$request.body.action", "{}", "$default"},
        {"$request.body.action", "send", "$default"},
        {"$request.body.action", "{\"action\":\"$connect\"}", "$default"},
        {"$request.body.action", "{\"action\":\"$default\"}", "$default"},
        {"${request.body.a}/${request.body.b}", "{\"a\":\"x\",\"b\":\"y\"}", "x/y"},
        {"${request.body.a}/${request.body.b}", "{\"a\":\"x\"}", "x/"},
        {"$request.body.a.b", "{\"a\":{\"b\":\"send\"}}", "send"},
        {"\\$default", "{\"action\":\"send\"}", "$default"},
        {"send", "anything", "send"},
    };
    static const char *const keys[] = {"$connect", "$default", "send", "7",
                                       "true",     "[a, 1]",   "x/y",  "x/"};
    struct api *a = api_new();

    (void)state;
    for (size_t i = 0; i < COUNTOF(keys); i++)
        api_add_route(a)->key = str_dup(str_of(keys[i]));
    for (size_t i = 0; i < COUNTOF(cases); i++)
        assert_string_equal(selected(a, cases[i].expression, cases[i].body), cases[i].key);
    a->routes[1].key[0] = 'x';
    assert_string_equal(selected(a, "$request.body.action", "{}"), "none");
    api_free(a);
}

static void selection_knows_what_it_can_evaluate(void **state)
{
    (void)state;
    assert_true(selection_valid("$request.body.action"));
    assert_true(selection_valid("${request.body.a}-x"));
    assert_false(selection_valid(""));
    assert_false(selection_valid("$request.header.action"));
    assert_false(selection_valid("$request.body."));
    assert_false(selection_valid("${request.body.a"));
}

CHECK_MAIN(cmocka_unit_test(selection_takes_routes),
           cmocka_unit_test(selection_knows_what_it_can_evaluate))
