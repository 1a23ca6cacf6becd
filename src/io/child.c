#include "io/child.h"

#include "io/process.h"
#include "io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 4096, NAP_MS = 5 };

static uint64_t child_now_ms(void)
{
    return process_clock_us() / 1000;
}

static int child_start(const char *command, int to, int *ret_pid)
{
    extern char **environ;
    const char *argv[] = {"/bin/sh", "-c", command, NULL};

    return spawn_into(
        &(struct spawn_options){.argv = (char *const *)(uintptr_t)argv, .env = environ}, to, false,
        ret_pid);
}

/* Until it closes its output. The bytes are nobody else's business. */
static int read_all(int from, uint64_t until_ms, struct buf *out)
{
    uint8_t chunk[CHUNK];
    uint64_t now;
    ssize_t n = 1;

    while (n != 0 && !out->failed && (now = child_now_ms()) < until_ms) {
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

    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && child_now_ms() < until_ms)
        (void)nanosleep(&nap, NULL);
    if (ended == 0)
        return -ETIMEDOUT;
    return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

int child_output(const char *command, unsigned within_ms, struct buf *out)
{
    uint64_t until_ms = child_now_ms() + within_ms;
    int ends[2], r, pid = 0;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    r = child_start(command, ends[1], &pid);
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
