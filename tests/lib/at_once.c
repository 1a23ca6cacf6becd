#include "lib/at_once.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 5, TESTS_MAX = 64 };

struct run {
    pid_t pid;
    FILE *said;
    int status;
};

static void begin(struct run *r, const struct CMUnitTest *test)
{
    r->said = tmpfile();
    assert_non_null(r->said);
    (void)fflush(NULL);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid > 0)
        return;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(fileno(r->said), STDOUT_FILENO) < 0 ||
        dup2(fileno(r->said), STDERR_FILENO) < 0)
        _exit(1);
    exit(_cmocka_run_group_tests(test->name, test, 1, NULL, NULL));
}

/* Waits for one to end. */
static void end_one(struct run *runs, size_t n)
{
    int status;
    pid_t pid = wait(&status);

    assert_true(pid > 0 || errno == EINTR);
    for (size_t i = 0; i < n; i++)
        if (pid > 0 && runs[i].pid == pid)
            runs[i] = (struct run){.said = runs[i].said, .status = status};
}

static size_t running(const struct run *runs, size_t n)
{
    size_t running_n = 0;

    for (size_t i = 0; i < n; i++)
        running_n += runs[i].pid > 0;
    return running_n;
}

/* Its lines; one that ended otherwise than cmocka ends has failed too. */
static bool show(struct run *r, const struct CMUnitTest *test)
{
    bool exited = WIFEXITED(r->status);
    char line[512];

    rewind(r->said);
    while (fgets(line, sizeof(line), r->said) != NULL)
        (void)fputs(line, stdout);
    (void)fclose(r->said);
    if (!exited)
        printf("[  FAILED  ] %s\n", test->name);
    return exited && WEXITSTATUS(r->status) == 0;
}

int at_once_run(const struct CMUnitTest *tests, size_t n)
{
    struct run runs[TESTS_MAX] = {0};
    int failed = 0;

    assert_true(n <= TESTS_MAX);
    for (size_t i = 0; i < n; i++) {
        while (running(runs, i) == AT_ONCE)
            end_one(runs, i);
        begin(&runs[i], &tests[i]);
    }
    while (running(runs, n) > 0)
        end_one(runs, n);
    for (size_t i = 0; i < n; i++)
        failed += !show(&runs[i], &tests[i]);
    return failed;
}
