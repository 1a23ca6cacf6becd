#include "io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const int usual[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};

static void spawn_describe(posix_spawnattr_t *how)
{
    sigset_t none, all;

    (void)sigemptyset(&none);
    (void)sigemptyset(&all);
    for (size_t i = 0; i < COUNTOF(usual); i++)
        (void)sigaddset(&all, usual[i]);
    (void)posix_spawnattr_setflags(
        how, (short)(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    (void)posix_spawnattr_setpgroup(how, 0);
    (void)posix_spawnattr_setsigmask(how, &none);
    (void)posix_spawnattr_setsigdefault(how, &all);
}

static int open_files(posix_spawn_file_actions_t *files, int out, bool errors, const char *dir)
{
    int r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    if (r == 0 && errors)
        r = posix_spawn_file_actions_adddup2(files, out, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
    if (r == 0 && dir != NULL)
        r = posix_spawn_file_actions_addchdir_np(files, dir);
    return r;
}

int spawn_into(const struct spawn_options *o, int out, bool errors, int *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    pid_t pid = 0;
    int r = posix_spawn_file_actions_init(&files);

    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&how);
    if (r == 0) {
        spawn_describe(&how);
        r = open_files(&files, out, errors, o->dir);
        if (r == 0)
            r = posix_spawnp(&pid, o->argv[0], &files, &how, o->argv, o->env);
        (void)posix_spawnattr_destroy(&how);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    if (r == 0)
        *ret_pid = pid;
    return -r;
}

int spawn_start(const struct spawn_options *o, int *ret_pid, int *ret_fd)
{
    int ends[2], r;

    /* Not a pipe: a loop receives from sockets. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    r = spawn_into(o, ends[1], true, ret_pid);
    (void)close(ends[1]);
    if (r < 0) {
        (void)close(ends[0]);
        return r;
    }
    *ret_fd = ends[0];
    return 0;
}

void spawn_pause(int pid, bool pause)
{
    (void)kill(-pid, pause ? SIGSTOP : SIGCONT);
}

int spawn_end(int pid)
{
    int status = 0;

    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
