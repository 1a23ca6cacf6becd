#include "io/child.h"

#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 4096, NAP_MS = 5 };

static const int usual[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};

static uint64_t now_ms(void)
{
    return process_clock_us() / 1000;
}

/* A group of its own, so that it can be killed with its own children; no signal blocked
 * or ignored; no descriptor but the three. */
static int start(const char *command, int to, pid_t *ret_pid)
{
    extern char **environ;
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)command,
                    NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    int r;

    (void)sigemptyset(&none);
    (void)sigemptyset(&all);
    for (size_t i = 0; i < COUNTOF(usual); i++)
        (void)sigaddset(&all, usual[i]);
    if (posix_spawn_file_actions_init(&files) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&how) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return -ENOMEM;
    }
    (void)posix_spawnattr_setflags(
        &how, (short)(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    (void)posix_spawnattr_setpgroup(&how, 0);
    (void)posix_spawnattr_setsigmask(&how, &none);
    (void)posix_spawnattr_setsigdefault(&how, &all);
    r = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    if (r == 0)
        r = posix_spawn(ret_pid, "/bin/sh", &files, &how, argv, environ);
    (void)posix_spawnattr_destroy(&how);
    (void)posix_spawn_file_actions_destroy(&files);
    return -r;
}

/* Until it closes its output. The bytes are nobody else's business. */
static int read_all(int from, uint64_t until_ms, struct buf *out)
{
    uint8_t chunk[CHUNK];
    uint64_t now;
    ssize_t n = 1;

    while (n != 0 && !out->failed && (now = now_ms()) < until_ms) {
        struct pollfd p = {.fd = from, .events = POLLIN};

        if (poll(&p, 1, (int)(until_ms - now)) <= 0)
            continue;
        n = read(from, chunk, sizeof(chunk));
        if (n > 0)
            buf_append(out, (struct str){chunk, (size_t)n});
        else if (n < 0 && errno != EINTR)
            return -errno;
    }
    explicit_bzero(chunk, sizeof(chunk));
    if (out->failed)
        return -EFBIG;
    return n == 0 ? 0 : -ETIMEDOUT;
}

/* It has closed its output, and may live on. */
static int wait_for(pid_t pid, uint64_t until_ms)
{
    static const struct timespec nap = {.tv_nsec = NAP_MS * 1000000};
    int status = 0;
    pid_t ended;

    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < until_ms)
        (void)nanosleep(&nap, NULL);
    if (ended == 0)
        return -ETIMEDOUT;
    return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

int child_output(const char *command, unsigned within_ms, struct buf *out)
{
    uint64_t until_ms = now_ms() + within_ms;
    int ends[2], r;
    pid_t pid = 0;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    r = start(command, ends[1], &pid);
    (void)close(ends[1]);
    if (r < 0) {
        (void)close(ends[0]);
        return r;
    }
    r = read_all(ends[0], until_ms, out);
    (void)close(ends[0]);
    if (r == 0)
        r = wait_for(pid, until_ms);
    if (r == -ECHILD || r == 0)
        return r;
    (void)kill(-pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return r;
}
