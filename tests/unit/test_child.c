/* Commands whose output is wanted: what they print, and how those end that do not. */
#include "io/child.h"

#include "base/str.h"
#include "io/process.h"
#include "lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MAX = 64, ENOUGH_MS = 10000 };

static int run(const char *command, unsigned within_ms, struct buf *out)
{
    buf_init(out, MAX);
    return child_output(command, within_ms, out);
}

static void prints(void **state)
{
    static const struct {
        const char *command, *want;
        int r;
    } cases[] = {
        {"printf secret", "secret", 0},
        {"echo one; echo two", "one\ntwo\n", 0},
        {"true", "", 0},
        {"cat", "", 0}, /* there is nothing to read */
        {"exec >&-; sleep 0.05", "", 0},
        {"printf half; exit 3", "half", -ECHILD},
        {"/no/such/program 2>/dev/null", "", -ECHILD},
        {"kill -9 $$", "", -ECHILD},
        {"echo '# of a command' >&2", "", 0}, /* the program's own standard error */
        {"ls -l /proc/self/fd | grep -c zero", "0\n", -ECHILD}, /* none of ours */
    };

    int ours = open("/dev/zero", O_RDONLY);

    (void)state;
    assert_true(ours > STDERR_FILENO);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf out CLEANUP(buf_fini);
        int r = run(cases[i].command, ENOUGH_MS, &out);

        if (r != cases[i].r || !str_eq(buf_peek(&out), str_of(cases[i].want)))
            fail_msg("%s: %d, '%.*s'", cases[i].command, r, STR_ARGS(buf_peek(&out)));
    }
    (void)close(ours);
}

/* Whoever does not end is killed, and so is whom they started. */
static void ends_what_does_not_end(void **state)
{
    static const char *const commands[] = {"sleep 900", "sleep 900 & sleep 900",
                                           "exec >&-; sleep 900", "sleep 900 & printf x"};

    (void)state;
    for (size_t i = 0; i < COUNTOF(commands); i++) {
        struct buf out CLEANUP(buf_fini);

        assert_int_equal(run(commands[i], 100, &out), -ETIMEDOUT);
    }
}

static void takes_no_more_than_fits(void **state)
{
    struct buf out CLEANUP(buf_fini), fits CLEANUP(buf_fini);

    (void)state;
    assert_int_equal(run("yes", ENOUGH_MS, &out), -EFBIG);
    assert_int_equal(run("head -c 64 /dev/zero", ENOUGH_MS, &fits), 0);
    assert_int_equal(buf_len(&fits), MAX);
}

CHECK_MAIN(cmocka_unit_test(prints), cmocka_unit_test(ends_what_does_not_end),
           cmocka_unit_test(takes_no_more_than_fits))
