#include "lib/redis_rig.h"

#include "lib/check.h"
#include "lib/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, ARGS_MAX = 64 };

static const char *const program = "/usr/bin/redis-server";

bool redis_rig_is_there(void)
{
    return access(program, X_OK) == 0;
}

static void run(const struct redis_rig *r, const char *const *more)
{
    char port[16];
    const char *args[ARGS_MAX] = {program,     "--port",     port,     "--bind",
                                  "127.0.0.1", "--save",     "",       "--appendonly",
                                  "no",        "--loglevel", "warning"};
    unsigned n = 11;

    (void)snprintf(port, sizeof(port), "%u", r->port);
    while (more != NULL && *more != NULL && n + 1 < ARGS_MAX)
        args[n++] = *more++;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || freopen("/dev/null", "w", stdout) == NULL)
        _exit(1);
    (void)execv(program, (char *const *)(uintptr_t)args);
    _exit(127);
}

const char *redis_rig_answer(struct redis_rig *r, const char *command)
{
    static char text[16384];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(r->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 30};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t n = -1;

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && dprintf(fd, "%s\r\n", command) > 0)
        n = recv(fd, text, sizeof(text) - 1, 0);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

const char *redis_rig_say(struct redis_rig *r, const char *command)
{
    static char line[512];

    (void)snprintf(line, sizeof(line), "%s", redis_rig_answer(r, command));
    line[strcspn(line, "\r")] = '\0';
    return line;
}

void redis_rig_start(struct redis_rig *r, const char *const *more)
{
    if (r->port == 0)
        r->port = ports_free();
    (void)snprintf(r->url, sizeof(r->url), "redis://127.0.0.1:%u", r->port);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0)
        run(r, more);
    for (unsigned ms = 0; redis_rig_say(r, "PING")[0] == '\0'; ms += 20) {
        if (ms > PATIENCE_MS)
            fail_msg("redis-server does not answer");
        (void)usleep(20000);
    }
}

void redis_rig_signal(struct redis_rig *r, int signal)
{
    assert_int_equal(kill(r->pid, signal), 0);
    if (signal == SIGKILL) {
        (void)waitpid(r->pid, NULL, 0);
        r->pid = 0;
    }
}

void redis_rig_stop(struct redis_rig *r)
{
    if (r->pid > 0)
        redis_rig_signal(r, SIGKILL);
}
