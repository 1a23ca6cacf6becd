#include "base/str.h"
#include "gateway/launch.h"
#include "lib/check.h"

static void launch_replaces_the_address(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"https://ChatApi.execute-api.us-east-1.amazonaws.com/prod", "https://127.0.0.1:1/prod"},
        {"ChatApi.execute-api.us-east-1.amazonaws.com", "127.0.0.1:1"},
        {"https://Other.execute-api.us-east-1.amazonaws.com/prod",
         "https://Other.execute-api.us-east-1.amazonaws.com/prod"},
        {"connections", "connections"},
        {"", ""},
    };
    struct gateway g = {.about = {.id = "ChatApi", .region = "us-east-1"}, .domain = "127.0.0.1:1"};
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        launch_localise(&g, str_of(cases[i].text), &out);
        assert_true(str_eq(buf_peek(&out), str_of(cases[i].want)));
        buf_clear(&out);
    }
    buf_fini(&out);
}

CHECK_MAIN(cmocka_unit_test(launch_replaces_the_address))
