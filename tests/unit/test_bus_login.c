/* Redis' password, printed by a command or signed with the credentials of AWS. */
#include "bus/bus_login.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>
#include <string.h>

static const struct bus_login_options nothing = {.command = "", .cache = ""};

/* The password, or why there is none. */
static bool ask(const struct bus_login_options *o, const char *user, char text[static 4096])
{
    struct bus_login *l;
    struct buf out CLEANUP(buf_fini);
    char why[BUS_REDIS_WHY_MAX] = "";
    bool there;

    buf_init(&out, 4000);
    if (bus_login_open(o, &l, why) != 0) {
        (void)snprintf(text, 4096, "%s", why);
        return false;
    }
    there = bus_login_password(l, str_of(user), &out, why);
    bus_login_close(l);
    if (there)
        (void)snprintf(text, 4096, "%.*s", STR_ARGS(buf_peek(&out)));
    else
        (void)snprintf(text, 4096, "%s", why);
    return there;
}

static void commands(void **state)
{
    static const struct {
        const char *command, *want;
        bool there;
    } cases[] = {
        {"echo 'pass word'", "pass word", true},
        {"printf 'a\\r\\n'", "a", true},
        {"printf ' a\\nb'", " a\nb", true},
        {"echo", "bus-password-command: it printed no password", false},
        {"true", "bus-password-command: it printed no password", false},
        {"echo half; false", "bus-password-command: it failed", false},
        {"yes", "bus-password-command: it printed more than a password", false},
    };
    char text[4096];

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct bus_login_options o = nothing;

        o.command = cases[i].command;
        assert_int_equal(ask(&o, "", text), cases[i].there);
        assert_string_equal(text, cases[i].want);
    }
}

static void by_iam(void **state)
{
    static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
                                              "AWS_SECRET_ACCESS_KEY=hidden",
                                              "AWS_REGION=eu-central-1", NULL};
    struct aws_env env = aws_env_of((char **)(uintptr_t)environment);
    struct bus_login_options o = nothing;
    char text[4096];

    (void)state;
    o.env = &env;
    o.cache = "My-Chat";
    assert_true(ask(&o, "node", text));
    assert_memory_equal(text, "my-chat/?Action=connect&User=node&X-Amz-Algorithm=", 50);
    assert_non_null(strstr(text, "%2Feu-central-1%2Felasticache%2Faws4_request&"));
    o.cache = "serverless:my-chat";
    assert_true(ask(&o, "node", text));
    assert_memory_equal(text, "my-chat/?Action=connect&ResourceType=ServerlessCache&User=", 58);
    assert_false(ask(&o, "", text));
    assert_non_null(strstr(text, "no user"));
    o.cache = "no name";
    assert_false(ask(&o, "node", text));
}

static void what_cannot_be(void **state)
{
    static const char *const nowhere[] = {"AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
                                          "AWS_SECRET_ACCESS_KEY=hidden", NULL};
    struct aws_env env = aws_env_of((char **)(uintptr_t)nowhere);
    struct bus_login_options o = {.command = "echo x", .cache = "c", .env = &env};
    char text[4096];

    (void)state;
    assert_false(ask(&o, "node", text));
    assert_string_equal(text, "bus-password-command and bus-iam: give one of them");
    o.command = "";
    assert_false(ask(&o, "node", text));
    assert_string_equal(text, "bus-iam: nothing says the region: set AWS_REGION");
}

CHECK_MAIN(cmocka_unit_test(commands), cmocka_unit_test(by_iam), cmocka_unit_test(what_cannot_be))
