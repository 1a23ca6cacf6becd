#include "admin/drain_command.h"

#include "base/str.h"
#include "io/file.h"
#include "io/host.h"
#include "io/http_client.h"
#include "io/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PID_MAX 32
#define METRICS_MAX (1024 * 1024)
#define ASK_MS 3000
#define EVERY_MS 1000
#define URL_MAX 600
/* Answers that may be missing one after another. */
#define FAILURES_MAX 3

struct watch {
    const struct conf *conf;
    int pid;
    struct io_host *host;
    struct io *io;
    struct http_client *client;
    struct http_request request;
    bool asking;
};

static int failed(const char *what, const char *why)
{
    (void)fprintf(stderr, "polylog drain: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

/* The value of a sample with that name, labels included; false if it is another line. */
static bool sample(struct str line, struct str name, uint64_t *ret_v)
{
    if (!str_starts(line, name) || line.n <= name.n || line.p[name.n] != ' ')
        return false;
    return str_to_u64(str_trim(str_skip(line, name.n + 1)), ret_v);
}

bool drain_command_left(struct str metrics, uint64_t *ret_left, bool *ret_draining)
{
    uint64_t ws = 0, sio = 0, draining = 0;
    bool found = false;

    while (metrics.n > 0) {
        struct str line = str_cut(&metrics, '\n');

        found |= sample(line, STR("polylog_connections_open{door=\"ws\"}"), &ws);
        (void)sample(line, STR("polylog_connections_open{door=\"socketio\"}"), &sio);
        (void)sample(line, STR("polylog_draining"), &draining);
    }
    if (!found)
        return false;
    *ret_left = ws + sio;
    *ret_draining = draining > 0;
    return true;
}

static void answered(struct http_request *req)
{
    CONTAINER_OF(req, struct watch, request)->asking = false;
}

/* Asks for the metrics. NULL, or why there are none. */
static const char *ask(struct watch *w, uint64_t *ret_left, bool *ret_draining)
{
    char url[URL_MAX];

    (void)snprintf(url, sizeof(url), "%s/metrics", w->conf->at);
    w->request = (struct http_request){.home = w->io,
                                       .done = answered,
                                       .method = "GET",
                                       .url = url,
                                       .timeout_ms = ASK_MS,
                                       .response_max = METRICS_MAX};
    w->asking = true;
    http_client_submit(w->client, &w->request);
    while (w->asking)
        io_wait(w->io, IO_FOREVER);
    if (w->request.ret_error < 0)
        return http_client_error(&w->request);
    if (w->request.ret_status != 200 ||
        !drain_command_left(buf_peek(&w->request.ret_body), ret_left, ret_draining))
        return "its answer is not a Polylog server's";
    return NULL;
}

static void rest(struct watch *w, uint64_t ms)
{
    uint64_t until = io_now_ms(w->io) + ms;

    while (io_now_ms(w->io) < until)
        io_wait(w->io, until);
}

/* Says each second how many are left. The exit code. */
static int watch_them(struct watch *w)
{
    uint64_t begun = io_now_ms(w->io), left = 0, before = UINT64_MAX;
    unsigned failures = 0;
    bool draining = false;

    for (;; rest(w, EVERY_MS)) {
        const char *why = ask(w, &left, &draining);

        http_client_request_fini(&w->request);
        if (!process_is_alive(w->pid)) {
            puts("drain: the server has ended");
            return EXIT_SUCCESS;
        }
        if (why != NULL && ++failures >= FAILURES_MAX)
            return failed(w->conf->at, why);
        if (why != NULL)
            continue;
        failures = 0;
        printf("drain: %llu connections left", (unsigned long long)left);
        if (before != UINT64_MAX)
            printf(", %llu went in the last second",
                   (unsigned long long)(before > left ? before - left : 0));
        puts(draining ? "" : "; it does not drain");
        (void)fflush(stdout);
        before = left;
        if (left == 0 && draining)
            return EXIT_SUCCESS;
        if (w->conf->wait_for_ms > 0 && io_now_ms(w->io) >= begun + w->conf->wait_for_ms)
            return DRAIN_COMMAND_EXIT_LEFT;
    }
}

static int watch_run(const struct conf *c, int pid)
{
    struct watch w = {.conf = c, .pid = pid};
    int code = EXIT_FAILURE;
    int r = host_epoll_new(&w.host);

    if (r == 0)
        r = host_io_new(w.host, &w.io);
    if (r == 0)
        r = http_client_curl_new(&(struct http_options){0}, &w.client);
    if (r == 0)
        code = watch_them(&w);
    else
        (void)failed("cannot watch", strerror(-r));
    http_client_close(w.client);
    if (w.io != NULL)
        io_free(w.io);
    host_free(w.host);
    return code;
}

static bool read_pid(const char *path, int *ret_pid)
{
    struct buf b CLEANUP(buf_fini);
    struct str text;
    uint64_t pid;
    int r;

    buf_init(&b, PID_MAX);
    r = file_read(path, &b);
    if (r < 0) {
        (void)failed(path, strerror(-r));
        return false;
    }
    text = buf_peek(&b);
    if (!str_to_u64(str_trim(str_cut(&text, '\n')), &pid) || pid == 0 || pid > INT32_MAX) {
        (void)failed(path, "holds no process id");
        return false;
    }
    *ret_pid = (int)pid;
    return true;
}

int drain_command(const struct conf *c)
{
    int pid, r;

    if (c->pid_file[0] == '\0') {
        (void)failed("pid-file",
                     "say which server: the file that `polylog serve --pid-file` wrote");
        return CONF_EXIT_USAGE;
    }
    if (!read_pid(c->pid_file, &pid))
        return EXIT_FAILURE;
    r = process_tell(pid, c->undo ? PROCESS_STAY : PROCESS_MOVE);
    if (r == -ESRCH)
        return failed(c->pid_file, "that process is not there, or is not this program");
    if (r < 0)
        return failed(c->pid_file, strerror(-r));
    if (c->undo)
        puts("drain: it is ready again, and asks nobody to go");
    else
        puts("drain: it asks its clients to go to other nodes");
    (void)fflush(stdout);
    return c->wait && !c->undo ? watch_run(c, pid) : EXIT_SUCCESS;
}
