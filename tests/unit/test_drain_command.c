/* What `polylog drain` reads of a server. */
#include "admin/drain_command.h"

#include "base/str.h"
#include "lib/check.h"

static void the_connections_are_added_up(void **state)
{
    uint64_t left = 0;
    bool draining = false;

    (void)state;
    assert_true(drain_command_left(STR("# HELP polylog_connections_open Open connections.\n"
                                       "# TYPE polylog_connections_open gauge\n"
                                       "polylog_connections_open{door=\"http\"} 9\n"
                                       "polylog_connections_open{door=\"ws\"} 1532\n"
                                       "polylog_connections_open{door=\"socketio\"} 4\n"
                                       "polylog_connections_open{door=\"tail\"} 20\n"
                                       "polylog_connections_open{door=\"gw\"} 100\n"
                                       "polylog_draining 1\n"),
                                   &left, &draining));
    assert_int_equal(left, 1656);
    assert_true(draining);
    assert_true(drain_command_left(
        STR("polylog_connections_open{door=\"ws\"} 0\npolylog_draining 0"), &left, &draining));
    assert_int_equal(left, 0);
    assert_false(draining);
}

static void what_is_no_server_s_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "\n\n",
        "<html>",
        "polylog_connections_open{door=\"ws\"}",
        "polylog_connections_open{door=\"ws\"} ",
        "polylog_connections_open{door=\"ws\"} x\n",
        "polylog_connections_open{door=\"ws\"}9\n",
        "x polylog_connections_open{door=\"ws\"} 9\n",
        "polylog_connections_open{door=\"wss\"} 9\n",
    };
    uint64_t left = 77;
    bool draining = true;

    (void)state;
    for (size_t i = 0; i < COUNTOF(texts); i++)
        assert_false(drain_command_left(str_of(texts[i]), &left, &draining));
    assert_int_equal(left, 77);
}

CHECK_MAIN(cmocka_unit_test(the_connections_are_added_up),
           cmocka_unit_test(what_is_no_server_s_is_refused))
