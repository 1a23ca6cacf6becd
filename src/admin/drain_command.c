#include "admin/drain_command.h"

#include "admin/asker.h"
#include "base/str.h"
#include "io/file.h"
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

struct drain_watch {
    const struct conf *conf;
    int pid;
    struct asker asker;
};

static int drain_failed(const char *what, const char *why)
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
    uint64_t ws = 0, sio = 0, tail = 0, gw = 0, draining = 0;
    bool found = false;

    while (metrics.n > 0) {
        struct str line = str_cut(&metrics, '\n');

        found |= sample(line, STR("polylog_connections_open{door=\"ws\"}"), &ws);
        (void)sample(line, STR("polylog_connections_open{door=\"socketio\"}"), &sio);
        (void)sample(line, STR("polylog_connections_open{door=\"tail\"}"), &tail);
        (void)sample(line, STR("polylog_connections_open{door=\"gw\"}"), &gw);
        (void)sample(line, STR("polylog_draining"), &draining);
    }
    if (!found)
        return false;
    *ret_left = ws + sio + tail + gw;
    *ret_draining = draining > 0;
    return true;
}

/* Asks for the metrics. NULL, or why there are none. */
static const char *drain_ask(struct drain_watch *w, uint64_t *ret_left, bool *ret_draining)
{
    const char *why = NULL;
    struct http_request *req;
    char url[URL_MAX];

    (void)snprintf(url, sizeof(url), "%s/metrics", w->conf->at);
    req = asker_ask(&w->asker, &(struct http_request){.method = "GET",
                                                      .url = url,
                                                      .timeout_ms = ASK_MS,
                                                      .response_max = METRICS_MAX});
    if (req->ret_error < 0)
        why = http_client_error(req);
    else if (req->ret_status != 200 ||
             !drain_command_left(buf_peek(&req->ret_body), ret_left, ret_draining))
        why = "its answer is not a Polylog server's";
    http_client_request_fini(req);
    return why;
}

static void rest(struct drain_watch *w, uint64_t ms)
{
    struct io *io = w->asker.io;
    uint64_t until = io_now_ms(io) + ms;

    while (io_now_ms(io) < until)
        io_wait(io, until);
}

/* Says each second how many are left. The exit code. */
static int watch_them(struct drain_watch *w)
{
    struct io *io = w->asker.io;
    uint64_t begun = io_now_ms(io), left = 0, before = UINT64_MAX;
    unsigned failures = 0;
    bool draining = false;

    for (;; rest(w, EVERY_MS)) {
        const char *why = drain_ask(w, &left, &draining);

        if (!process_is_alive(w->pid)) {
            puts("drain: the server has ended");
            return EXIT_SUCCESS;
        }
        if (why != NULL && ++failures >= FAILURES_MAX)
            return drain_failed(w->conf->at, why);
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
        if (w->conf->wait_for_ms > 0 && io_now_ms(io) >= begun + w->conf->wait_for_ms)
            return DRAIN_COMMAND_EXIT_LEFT;
    }
}

static int watch_run(const struct conf *c, int pid)
{
    struct drain_watch w = {.conf = c, .pid = pid};
    int code = EXIT_FAILURE;
    int r = asker_open(&(struct http_options){0}, &w.asker);

    if (r == 0)
        code = watch_them(&w);
    else
        (void)drain_failed("cannot watch", strerror(-r));
    asker_close(&w.asker);
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
        (void)drain_failed(path, strerror(-r));
        return false;
    }
    text = buf_peek(&b);
    if (!str_to_u64(str_trim(str_cut(&text, '\n')), &pid) || pid == 0 || pid > INT32_MAX) {
        (void)drain_failed(path, "holds no process id");
        return false;
    }
    *ret_pid = (int)pid;
    return true;
}

int drain_command(const struct conf *c)
{
    int pid, r;

    if (c->pid_file[0] == '\0') {
        (void)drain_failed("pid-file",
                           "say which server: the file that `polylog serve --pid-file` wrote");
        return CONF_EXIT_USAGE;
    }
    if (!read_pid(c->pid_file, &pid))
        return EXIT_FAILURE;
    r = process_tell(pid, c->undo ? PROCESS_STAY : PROCESS_MOVE, c->undo ? 0 : (int)c->share);
    if (r == -ESRCH)
        return drain_failed(c->pid_file, "that process is not there, or is not this program");
    if (r < 0)
        return drain_failed(c->pid_file, strerror(-r));
    if (c->undo)
        puts("drain: it is ready again, and asks nobody to go");
    else if (c->share > 0)
        printf("drain: it gives %llu %% of its connections behind API Gateway to other nodes\n",
               (unsigned long long)c->share);
    else
        puts("drain: it asks its clients to go to other nodes");
    (void)fflush(stdout);
    return c->wait && !c->undo && c->share == 0 ? watch_run(c, pid) : EXIT_SUCCESS;
}
