#include "base/buf.h"
#include "base/str.h"
#include "gateway/api.h"
#include "lib/check.h"

static void api_finds_what_was_added(void **state)
{
    struct api *a = api_new();

    (void)state;
    api_add_route(a)->key = str_dup(STR("$default"));
    api_add_route(a)->key = str_dup(STR("send"));
    api_add_function(a)->name = str_dup(STR("onSend"));
    api_add_authorizer(a)->name = str_dup(STR("door"));
    api_add_response(api_add_integration(a))->key = str_dup(STR("$default"));
    assert_ptr_equal(api_route(a, STR("send")), &a->routes[1]);
    assert_null(api_route(a, STR("Send")));
    assert_int_equal(a->routes[1].integration, API_NONE);
    assert_int_equal(a->integrations[0].timeout_ms, API_TIMEOUT_MAX_MS);
    assert_string_equal(a->functions[0].name, "onSend");
    assert_int_equal(a->functions[0].timeout_ms, 3000);
    api_free(a);
    api_free(NULL);
}

static void api_expands_stage_variables(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"http://${stageVariables.host}/x", "http://here:1/x"},
        {"${stageVariables.host}${stageVariables.none}!", "here:1!"},
        {"${stageVariables.host", "${stageVariables.host"},
        {"${other.host} $", "${other.host} $"},
        {"", ""},
    };
    struct api *a = api_new();
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    api_pairs_add(&a->stage.variables, STR("host"), STR("here:1"));
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        buf_clear(&out);
        api_expand(a, cases[i].text, &out);
        assert_true(str_eq(buf_peek(&out), str_of(cases[i].want)));
    }
    buf_fini(&out);
    api_free(a);
}

CHECK_MAIN(cmocka_unit_test(api_finds_what_was_added),
           cmocka_unit_test(api_expands_stage_variables))
