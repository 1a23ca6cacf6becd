#include "wire/agent.h"

#include "base/str.h"
#include "lib/check.h"

static void check(const char *text, const char *program, const char *system)
{
    struct agent a = agent_of(str_of(text));

    assert_true(str_eq(agent_program(a), str_of(program)));
    assert_true(str_eq(agent_system(a), str_of(system)));
}

static void browsers_and_tools_are_told_apart(void **state)
{
    (void)state;
    check("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox",
          "Linux");
    check("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
          "Chrome/126.0.0.0 Safari/537.36",
          "Chrome", "Windows");
    check("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
          "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
          "Edge", "Windows");
    check("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
          "like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
          "Safari", "iOS");
    check("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) "
          "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
          "Samsung", "Android");
    check("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 Firefox/127.0",
          "Firefox", "macOS");
    check("curl/8.5.0", "curl", "");
    check("node", "Node.js", "");
}

static void what_is_not_known_is_not_repeated(void **state)
{
    static char far[4096];

    (void)state;
    check("", "", "");
    check("<script>alert(1)</script>", "", "");
    memset(far, 'x', sizeof(far) - 1);
    memcpy(far + 3000, "Firefox/1", 9); /* farther than is looked */
    check(far, "", "");
    assert_int_equal(agent_program((struct agent){0}).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(browsers_and_tools_are_told_apart),
        cmocka_unit_test(what_is_not_known_is_not_repeated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
