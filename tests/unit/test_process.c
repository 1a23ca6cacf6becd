#include "io/process.h"

#include "base/str.h"
#include "io/usage.h"
#include "lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What fn returns in a process of its own. */
static int in_child(int (*fn)(void))
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int cpus_when_pinned(void)
{
    cpu_set_t set;
    unsigned cpu = 0;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 100;
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0 ? (int)process_cpus() : 101;
}

static void cpus_follow_affinity_and_quota(void **state)
{
    (void)state;
    assert_in_range(process_cpus(), 1, (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    assert_int_equal(in_child(cpus_when_pinned), 1);
    assert_int_equal(process_quota(STR("max 100000\n")), UINT_MAX);
    assert_int_equal(process_quota(STR("150000 100000\n")), 2);
    assert_int_equal(process_quota(STR("200000 100000\n")), 2);
    assert_int_equal(process_quota(STR("5000 100000")), 1);
    assert_int_equal(process_quota(STR("")), UINT_MAX);
    assert_int_equal(process_quota(STR("100000")), UINT_MAX);
    assert_int_equal(process_quota(STR("100000 0")), UINT_MAX);
}

/* A datagram socket at the path ('@': abstract) that hears one notice. */
static void hear(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char heard[64];
    ssize_t n;

    assert_true(fd >= 0);
    memcpy(un.sun_path, path, strlen(path));
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&un,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    assert_int_equal(process_notify("READY=1"), 0);
    n = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);
    assert_int_equal(n, 7);
    assert_memory_equal(heard, "READY=1", 7);
    (void)close(fd);
}

static void a_supervisor_is_told(void **state)
{
    char path[64];

    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    assert_int_equal(process_notify("READY=1"), 0);
    (void)snprintf(path, sizeof(path), "/tmp/polylog-notify-%d", (int)getpid());
    hear(path);
    (void)unlink(path);
    assert_int_equal(process_notify("READY=1"), -ENOENT);
    (void)snprintf(path, sizeof(path), "@polylog-notify-%d", (int)getpid());
    hear(path);
    (void)unsetenv("NOTIFY_SOCKET");
}

static int inherit(void)
{
    char pid[32];
    int fd = -1;

    if (dup2(STDERR_FILENO, 3) != 3 || dup2(STDERR_FILENO, 4) != 4)
        return 1;
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", pid, 1);
    (void)setenv("LISTEN_FDS", "2", 1);
    if (process_inherited(&fd) != 2 || fd != 3)
        return 2;
    if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) || !(fcntl(4, F_GETFD) & FD_CLOEXEC))
        return 3;
    if (process_inherited(&fd) != 0 || getenv("LISTEN_FDS") != NULL)
        return 4;
    (void)setenv("LISTEN_PID", "1", 1); /* somebody else's */
    (void)setenv("LISTEN_FDS", "2", 1);
    return process_inherited(&fd) == 0 ? 0 : 5;
}

static void descriptors_are_inherited(void **state)
{
    (void)state;
    assert_int_equal(in_child(inherit), 0);
}

static int become_nobody(void)
{
    if (process_become("nobody") < 0)
        return 1;
    if (process_is_root() || setuid(0) == 0 || setgid(0) == 0)
        return 2;
    if (getgroups(0, NULL) > 1)
        return 3;
    return 0;
}

static void root_is_dropped_for_good(void **state)
{
    (void)state;
    assert_int_equal(process_become("no such user"), -ENOENT);
    if (process_is_root())
        assert_int_equal(in_child(become_nobody), 0);
    else
        assert_int_equal(process_become("root"), -EPERM);
}

static int give_up_rights(void)
{
    if (process_no_new_rights() < 0)
        return 1;
    return prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1 ? 0 : 2;
}

static void rights_are_given_up(void **state)
{
    (void)state;
    assert_int_equal(in_child(give_up_rights), 0);
}

static uint64_t resident(void)
{
    struct usage u;

    return usage_read(0, &u) == 0 ? u.resident_bytes : 0;
}

/* Blocks of 8 MiB come and go, small ones between them stay. */
static int use_memory(void)
{
    enum { BLOCKS = 8, LARGE = 8 << 20 };
    uint64_t before = resident();
    void *large[BLOCKS], *small[2 * BLOCKS];

    process_return_memory();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            large[i] = malloc(LARGE);
            small[round * BLOCKS + i] = malloc(64);
            if (large[i] == NULL || small[round * BLOCKS + i] == NULL)
                return 2;
            memset(large[i], i, LARGE);
        }
        for (int i = 0; i < BLOCKS; i++)
            free(large[i]);
    }
    if (resident() - before > LARGE)
        return 1;
    for (int i = 0; i < 2 * BLOCKS; i++)
        free(small[i]);
    return 0;
}

static void freed_memory_is_returned(void **state)
{
    (void)state;
    if (CHECK_SANITIZED)
        skip();
    assert_int_equal(in_child(use_memory), 0);
}

static void the_rest_of_the_world(void **state)
{
    uint64_t us = process_clock_us();
    uint8_t a[16] = {0}, b[16] = {0};
    int fds[2];

    (void)state;
    assert_true(process_clock_us() >= us);
    assert_true(process_wall_ms() > 1600000000000);
    process_random(a, sizeof(a));
    process_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_false(process_is_terminal(fds[0]));
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static int ends[2];

static int hangs(void)
{
    (void)dup2(ends[1], STDERR_FILENO);
    process_end_within(3600, "not these\n");
    process_end_within(1, "last words\n");
    while (pause() < 0)
        ;
    return 0;
}

/* As hangs, but nobody reads what it says. */
static int hangs_unheard(void)
{
    static const char full[65536] = {0};
    ssize_t n;

    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    do
        n = write(ends[1], full, sizeof(full));
    while (n > 0);
    (void)fcntl(ends[1], F_SETFL, 0);
    return hangs();
}

static void it_ends_whatever_its_threads_do(void **state)
{
    char said[64] = "";

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(in_child(hangs), 1);
    assert_int_equal(read(ends[0], said, sizeof(said)), 11);
    assert_memory_equal(said, "last words\n", 11);
    assert_int_equal(in_child(hangs_unheard), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* A pid file may name a process that is another's by now: it is not signalled. */
static void only_its_own_kind_is_told(void **state)
{
    char name[] = "sleep", seconds[] = "30", *argv[] = {name, seconds, NULL};
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    while (process_is_alive(pid)) /* until it has become the other program */
        (void)usleep(1000);
    assert_int_equal(process_tell(pid, PROCESS_MOVE, 0), -ESRCH);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(process_is_alive(getpid()));
    assert_int_equal(process_tell(pid, PROCESS_STAY, 0), -ESRCH);
}

static int named(void)
{
    char name[PROCESS_HOSTNAME_MAX];

    if (unshare(CLONE_NEWUTS) < 0)
        return 77;
    if (sethostname("n\xff\"1 a\n", 7) < 0)
        return 1;
    process_hostname(name);
    return strcmp(name, "n-\"1-a-") == 0 ? 0 : 2;
}

static void a_hostname_is_text(void **state)
{
    int code = in_child(named);

    (void)state;
    if (code == 77)
        skip(); /* only root may have names of its own */
    assert_int_equal(code, 0);
}

CHECK_MAIN(cmocka_unit_test(cpus_follow_affinity_and_quota), cmocka_unit_test(a_supervisor_is_told),
           cmocka_unit_test(descriptors_are_inherited), cmocka_unit_test(root_is_dropped_for_good),
           cmocka_unit_test(rights_are_given_up), cmocka_unit_test(freed_memory_is_returned),
           cmocka_unit_test(it_ends_whatever_its_threads_do),
           cmocka_unit_test(only_its_own_kind_is_told), cmocka_unit_test(the_rest_of_the_world),
           cmocka_unit_test(a_hostname_is_text))
