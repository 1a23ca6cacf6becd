/* What `polylog tail` keeps, and what it reads of a server. */
#include "admin/tail_command.h"

#include "admin/bearer.h"
#include "base/str.h"
#include "lib/check.h"

static void a_state_is_read(void **state)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "general",
                                      "general 1 2 3 4\n",
                                      "general 1 2 3 4 x\n",
                                      " 1 2 3 4 5\n",
                                      "general 1 -2 3 4 5\n",
                                      "general 1 2 3 4 99999999999999999999\n"};
    struct tail_command_state s;

    (void)state;
    assert_true(tail_command_read(STR("general 1682392348997418 7 8 9 10\n"), &s));
    assert_true(str_eq(s.room, STR("general")));
    assert_true(s.epoch == 1682392348997418 && s.seq == 7);
    assert_true(s.device == 8 && s.inode == 9 && s.size == 10);
    for (size_t i = 0; i < COUNTOF(bad); i++)
        if (tail_command_read(str_of(bad[i]), &s))
            fail_msg("\"%s\" was read", bad[i]);
}

static void lines_are_told_apart(void **state)
{
    static const struct {
        const char *line;
        enum tail_command_line what;
        uint64_t number;
    } cases[] = {
        {"{\"event\":\"message\",\"seq\":7,\"text\":\"\\\"event\\\":\\\"reset\\\"\"}",
         TAIL_COMMAND_ENTRY, 7},
        {"{\"event\":\"new in 2030\",\"from\":{\"seq\":9,\"event\":\"reset\"},\"seq\":8}",
         TAIL_COMMAND_ENTRY, 8},
        {"{\"event\":\"reset\",\"epoch\":3,\"seq\":9}", TAIL_COMMAND_RESET, 3},
        {"{\"event\":\"move\",\"reason\":\"drain\"}", TAIL_COMMAND_OTHER, 0},
        {"{\"event\":\"message\",\"seq\":-7}", TAIL_COMMAND_OTHER, 0},
        {"{\"seq\":7}", TAIL_COMMAND_BAD, 0},
        {"{\"event\":\"message\",\"seq\":7", TAIL_COMMAND_BAD, 0},
        {"<html>", TAIL_COMMAND_BAD, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        uint64_t number = 0;

        if (tail_command_look(str_of(cases[i].line), &number) != cases[i].what ||
            number != cases[i].number)
            fail_msg("%s: %llu", cases[i].line, (unsigned long long)number);
    }
}

static void only_a_token_is_a_bearer(void **state)
{
    static const char *const bad[] = {"", "a b", "a\r\nX: y", "\xc3\xa4"};
    struct buf b CLEANUP(buf_fini);
    char long_one[BEARER_MAX + 1];

    (void)state;
    assert_true(bearer_header("a.b-c", &b));
    assert_string_equal((const char *)buf_peek(&b).p, "Authorization: Bearer a.b-c");
    buf_fini(&b);
    memset(long_one, 'a', sizeof(long_one));
    long_one[BEARER_MAX] = '\0';
    assert_false(bearer_header(long_one, &b));
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        buf_fini(&b);
        if (bearer_header(bad[i], &b))
            fail_msg("\"%s\" is no token", bad[i]);
    }
}

CHECK_MAIN(cmocka_unit_test(a_state_is_read), cmocka_unit_test(lines_are_told_apart),
           cmocka_unit_test(only_a_token_is_a_bearer))
