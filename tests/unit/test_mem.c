/* Memory that is there, or the end. */
#include "base/mem.h"

#include "lib/check.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void memory_is_there(void **state)
{
    uint8_t *p = mem_zeroed(3, 5), *q;

    (void)state;
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(p[i], 0);
    memset(p, 7, 15);
    p = mem_resize(p, 4000);
    p = mem_resize_array(p, 2, 3000);
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(p[i], 7);
    q = mem_bytes(0);
    assert_non_null(q);
    free(q);
    free(p);
}

static void too_much_is_the_end(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        volatile size_t n = SIZE_MAX / 2;

        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        free(mem_resize_array(NULL, n, 4));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

CHECK_MAIN(cmocka_unit_test(memory_is_there), cmocka_unit_test(too_much_is_the_end))
