/* main.c: argv -> configuration -> wiring. The only file that knows everything. */
#include "admin/admin_command.h"
#include "admin/drain_command.h"
#include "admin/health_command.h"
#include "admin/store_command.h"
#include "admin/tail_command.h"
#include "admin/token_command.h"
#include "aws/aws_env.h"
#include "base/str.h"
#include "bench/bench.h"
#include "bus/bus_login.h"
#include "bus/bus_redis.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "gateway/gateway_command.h"
#include "io/file.h"
#include "io/host.h"
#include "io/http_client.h"
#include "io/pid_file.h"
#include "io/process.h"
#include "io/signals.h"
#include "io/usage.h"
#include "lambda/lambda_main.h"
#include "migrate/migrate_main.h"
#include "server/gw/gw_outlet.h"
#include "server/run/accept.h"
#include "server/run/server.h"
#include "store/store_mem.h"
#include "trace/trace_outlet.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"
/* A loop that hangs cannot say so; nor can a store that is being closed. */
#define LOOPS_END_S 30 /* behind drain-ms; server_stop needs less */
#define CLOSE_S 10
#define DOTENV_MAX (64 * 1024)
/* Echoes that wait for a slow reader before nothing more is taken from it. */
#define ECHO_UNSENT_MAX (16 * 1024 * 1024)

/* What one run of a node is made of. */
struct node {
    struct conf conf;
    struct io_host *host;
    struct log_sink *log;
    struct log_sink *emf; /* NULL: metrics are not written */
    struct store *store;
    struct bus_login *login;
    struct bus *bus;
    struct http_client *http;
    struct gw_outlet *outlet;
    struct trace_outlet *traces;
    struct aws_env aws;
    struct server *server;
    struct signals *signals;
    struct pid_file pid_file;
    int exit_code;
    char hostname[PROCESS_HOSTNAME_MAX];
    char place[PLACE_MAX]; /* of the store */
};

static bool log_is_json(const struct conf *c)
{
    return c->log_format == CONF_LOG_FORMAT_JSON ||
           (c->log_format == CONF_LOG_FORMAT_AUTO && !process_is_terminal(STDERR_FILENO));
}

/* What is written in a signal's handler: a literal, in either form. */
#define LAST_WORDS(n, why)                                                                       \
    (log_is_json(&(n)->conf) ? "{\"level\":\"error\",\"event\":\"ended\",\"why\":\"" why "\"}\n" \
                             : "polylog: " why "\n")

/* Says on standard error what ends a start, or comes before there is a log. */
PRINTF_LIKE(3, 4)
static void say(const struct node *n, const char *event, const char *format, ...)
{
    bool logs = n->conf.command == CONF_SERVE || n->conf.command == CONF_ECHO;
    char why[SERVER_WHY_MAX + 64];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    log_alone(stderr, logs && log_is_json(&n->conf), LOG_LEVEL_ERROR, event, why);
}

static void caught(void *ctx, int signal, int value)
{
    struct node *n = ctx;

    if (signal == SIGTERM || signal == SIGINT) {
        (void)process_notify("STOPPING=1");
        process_end_within((unsigned)(n->conf.drain_ms / 1000) + LOOPS_END_S,
                           LAST_WORDS(n, "stopped while a worker's loop hangs"));
        server_stop(n->server);
    } else if (signal == SIGHUP) {
        server_reload(n->server);
    } else if (signal == SIGUSR1 && value > 0) {
        server_share(n->server, (unsigned)MIN(value, 100));
    } else if (signal == SIGUSR1) {
        server_drain(n->server);
    } else if (signal == SIGUSR2) {
        server_undrain(n->server);
    }
}

/* On standard output, unless that is for metrics alone. */
static void say_where(const struct server *s)
{
    FILE *out = s->o.emf != NULL ? stderr : stdout;
    const char *url;

    for (unsigned i = 0; (url = accept_url(s, i)) != NULL; i++) {
        fprintf(out, "polylog: %s %s\n", s->o.echo ? "echoes at" : "serves the chat at", url);
        if (i == 0 && s->owner_code[0] != '\0' && !s->o.echo)
            fprintf(out,
                    "polylog: whoever opens this link first becomes the owner:\n"
                    "         %s/#owner=%s\n",
                    url, s->owner_code);
    }
    fflush(out);
}

static void serving(void *ctx, const struct server *s)
{
    struct node *n = ctx;

    if (n->pid_file.fd >= 0 && pid_file_write(&n->pid_file) < 0)
        say(n, "pid_file", "cannot write %s", n->conf.pid_file);
    if (n->conf.user[0] != '\0' && process_is_root() && process_become(n->conf.user) < 0) {
        say(n, "start_failed", "cannot become user %s", n->conf.user);
        n->exit_code = 1;
        server_stop(n->server);
        return;
    }
    say_where(s);
    (void)process_notify("READY=1");
}

static void failed(void *ctx, const char *why)
{
    struct node *n = ctx;

    say(n, "start_failed", "%s", why);
    n->exit_code = 1;
}

static void stuck(void *ctx)
{
    (void)ctx;
    _exit(1);
}

/* Into the log, before there is a worker. */
static void say_early(struct node *n, const char *what, const char *why)
{
    struct log *log;
    struct io *io;

    if (host_io_new(n->host, &io) < 0)
        return;
    log = log_new(n->log, io, (enum log_level)n->conf.log_level, -1);
    log_warn(log, "engine_trouble", LOG_TEXT("what", what), LOG_TEXT("why", why));
    log_free(log);
    io_free(io);
}

/* On any thread. */
static void engine_told(void *ctx, const char *what, const char *why)
{
    struct node *n = ctx;

    if (n->server != NULL)
        server_engine_told(n->server, what, why);
    else if (why != NULL)
        say_early(n, what, why);
}

/* A process that was killed has its pid file until the last of its sockets is closed. */
static bool take_pid_file(struct node *n)
{
    const char *path = n->conf.pid_file;
    unsigned wait_ms = (unsigned)MIN(n->conf.patience_ms, (uint64_t)SERVER_PREDECESSOR_MS);
    int other = 0, r;

    if (path[0] == '\0')
        return true;
    r = pid_file_take(&n->pid_file, path, 0, &other);
    if (r == -EEXIST && wait_ms > 0) {
        say_early(n, path, "another process has this pid file: waiting for its end");
        r = pid_file_take(&n->pid_file, path, wait_ms, &other);
    }
    if (r == -EEXIST)
        say(n, "start_failed",
            "process %d has the pid file %s: stop that server, or name another file (--pid-file)",
            other, path);
    else if (r < 0)
        say(n, "pid_file", "cannot write %s: %s", path, strerror(-r));
    return r != -EEXIST;
}

static bool open_store(struct node *n, bool echo)
{
    struct engine_listener listener = {.told = engine_told, .ctx = n};
    char why[ENGINE_WHY_MAX];

    if (echo)
        return store_mem_open(n->host, NULL, &n->store) == 0;
    if (engine_open(&n->conf, n->host, &listener, &n->store, n->place, why) == 0)
        return true;
    say(n, "start_failed", "cannot open %s", why);
    return false;
}

/* On the bus' loop. */
static void bus_changed(void *ctx, bool up, const char *why)
{
    struct node *n = ctx;

    server_bus_changed(n->server, up, why);
}

/* On the bus' loop. */
static void bus_refused(void *ctx, enum bus_seal_result why)
{
    struct node *n = ctx;

    server_bus_refused(n->server, why == BUS_SEAL_OTHER);
}

static void identified(void *ctx, struct str id, struct str secret)
{
    struct node *n = ctx;
    struct bus_redis_system system = {.id = id, .where = str_of(n->place), .secret = secret};

    if (bus_redis_start(n->bus, &system) == 0)
        return;
    failed(n, "cannot start the bus' thread");
    server_stop(n->server);
}

/* Where the bus' password comes from, if not from its URL. */
static bool open_login(struct node *n, struct bus_redis_options *o)
{
    struct bus_login_options login = {
        .command = n->conf.bus_password_command, .cache = n->conf.bus_iam, .env = &n->aws};
    char why[BUS_REDIS_WHY_MAX];

    if (login.command[0] == '\0' && login.cache[0] == '\0')
        return true;
    if (bus_login_open(&login, &n->login, why) < 0) {
        say(n, "start_failed", "%s", why);
        return false;
    }
    o->password = bus_login_password;
    o->password_ctx = n->login;
    o->login_ms = BUS_LOGIN_MS;
    return true;
}

static bool open_bus(struct node *n, bool echo)
{
    struct bus_redis_options o = {
        .url = n->conf.bus,
        .ca_file = n->conf.bus_ca[0] != '\0' ? n->conf.bus_ca : NULL,
        .text = VERSION,
        .changed = bus_changed,
        .refused = bus_refused,
        .ctx = n,
    };
    char why[BUS_REDIS_WHY_MAX];

    if (echo || strcmp(n->conf.bus, "local") == 0) {
        n->bus = bus_local_new();
        return true;
    }
    if (!open_login(n, &o))
        return false;
    if (bus_redis_new(n->host, &o, &n->bus, why) == 0)
        return true;
    say(n, "start_failed", "%s", why);
    return false;
}

static bool open_outlet(struct node *n, bool echo)
{
    char why[GW_OUTLET_WHY_MAX];

    if (echo || n->conf.gw_path[0] == '\0')
        return true;
    if (gw_outlet_aws(&n->conf, &n->aws, &n->outlet, why) == 0)
        return true;
    say(n, "start_failed", "%s", why);
    return false;
}

static bool open_traces(struct node *n, bool echo)
{
    char why[TRACE_OUTLET_WHY_MAX];

    if (echo || trace_outlet_open(&n->conf, &n->aws, &n->traces, why) == 0)
        return true;
    say(n, "start_failed", "%s", why);
    return false;
}

static bool open_node(struct node *n, bool echo)
{
    struct server_options o = {
        .conf = &n->conf,
        .version = VERSION,
        .hostname = n->hostname,
        .serving = serving,
        .failed = failed,
        .stuck = stuck,
        .ctx = n,
        .workers = n->conf.workers > 0 ? (unsigned)MIN(n->conf.workers, (uint64_t)WORKERS_MAX)
                                       : MIN(process_cpus(), (unsigned)WORKERS_MAX),
        .echo = echo,
    };
    char why[SERVER_WHY_MAX];

    process_hostname(n->hostname);
    (void)usage_descriptors();
    if (host_epoll_new(&n->host) < 0 ||
        log_sink_new(n->host, stderr, log_is_json(&n->conf), &n->log) < 0 ||
        (n->conf.metrics == CONF_METRICS_EMF && log_sink_new(n->host, stdout, true, &n->emf) < 0)) {
        say(n, "start_failed", "cannot start: %s", strerror(errno));
        return false;
    }
    if (!take_pid_file(n) || !open_store(n, echo))
        return false;
    if (!open_bus(n, echo) || !open_outlet(n, echo) || !open_traces(n, echo))
        return false;
    if (server_needs_http(&n->conf, &n->aws) &&
        http_client_curl_new(&(struct http_options){0}, &n->http) < 0) {
        say(n, "start_failed", "cannot start the client for other services");
        return false;
    }
    o.host = n->host;
    o.log = n->log;
    o.emf = n->emf;
    o.store = n->store;
    o.bus = n->bus;
    o.identified = bus_is_alone(n->bus) ? NULL : identified;
    o.http = n->http;
    o.outlet = n->outlet;
    o.traces = n->traces;
    o.aws = &n->aws;
    o.inherited_n = process_inherited(&o.inherited);
    if (server_new(&o, &n->server, why) < 0) {
        say(n, "start_failed", "%s", why);
        return false;
    }
    if (signals_start(server_first(n->server)->io, caught, n, &n->signals) < 0 ||
        server_start(n->server) < 0) {
        say(n, "start_failed", "the workers cannot be started");
        return false;
    }
    return true;
}

/* Everything has ended; the store is closed before the loops to which its last
 * completions go. */
static void close_node(struct node *n)
{
    signals_stop(n->signals);
    process_end_within(CLOSE_S, LAST_WORDS(n, "stopped while the store does not end its writes"));
    bus_stop(n->bus);
    store_close(n->store);
    process_end_within(CLOSE_S, LAST_WORDS(n, "stopped while the log cannot be written"));
    http_client_close(n->http);
    trace_outlet_close(n->traces);
    server_free(n->server);
    gw_outlet_free(n->outlet);
    trace_outlet_free(n->traces);
    bus_close(n->bus);
    bus_login_close(n->login);
    log_sink_close(n->log);
    log_sink_close(n->emf);
    host_free(n->host);
    pid_file_release(&n->pid_file);
}

static int serve(struct node *n, bool echo)
{
    if (echo) { /* whoever runs a conformance suite comes from one address, fast */
        n->conf.connects_per_address = 0;
        n->conf.unsent_replies_max = ECHO_UNSENT_MAX;
    }
    process_return_memory();
    if (process_no_new_rights() < 0)
        say(n, "rights_kept", "cannot give up gaining rights");
    if (!open_node(n, echo)) {
        close_node(n);
        return 1;
    }
    host_join(n->host);
    close_node(n);
    return n->exit_code;
}

static int usage_error(const char *why)
{
    fprintf(stderr, "polylog: %s\n", why);
    return CONF_EXIT_USAGE;
}

/* On any thread. */
static void say_why(void *ctx, const char *what, const char *why)
{
    (void)ctx;
    if (why != NULL)
        (void)fprintf(stderr, "\npolylog: %s: %s\n", what, why);
}

static int open_for_store(const struct conf *c, struct io_host *host, const char *name,
                          bool must_exist, struct store **ret_store,
                          char ret_why[static ENGINE_WHY_MAX])
{
    struct engine_named named = {.name = name, .must_exist = must_exist};

    return engine_open_named(c, host, &named, ret_store, ret_why);
}

static int open_for_migrate(const struct conf *c, struct io_host *host, const char *name,
                            bool must_exist, struct store **ret_store,
                            char ret_why[static ENGINE_WHY_MAX])
{
    struct engine_listener listener = {.told = say_why};
    struct engine_named named = {.name = name, .must_exist = must_exist, .listener = &listener};

    return engine_open_named(c, host, &named, ret_store, ret_why);
}

static int run_command(struct node *n)
{
    int code = 1;

    switch (n->conf.command) {
    case CONF_ADMIN:
        code = admin_command(&n->conf, open_for_store);
        break;
    case CONF_BENCH:
        code = bench_main(&n->conf);
        break;
    case CONF_DRAIN:
        code = drain_command(&n->conf);
        break;
    case CONF_HEALTH:
        code = health_command(&n->conf);
        break;
    case CONF_MIGRATE:
        code = migrate_main(&n->conf, open_for_migrate);
        break;
    case CONF_STORE:
        code = store_command(&n->conf, open_for_store);
        break;
    case CONF_TOKEN:
        code = token_command(&n->conf);
        break;
    case CONF_TAIL:
        code = tail_command(&n->conf);
        break;
    case CONF_GATEWAY:
        code = gateway_command(&n->conf, &n->aws);
        break;
    case CONF_LAMBDA:
        code = lambda_main(&n->conf, &n->aws, VERSION);
        break;
    case CONF_SERVE:
    case CONF_ECHO:
        code = serve(n, n->conf.command == CONF_ECHO);
        break;
    }
    return code;
}

static int run(const char *command, int argc, char **argv)
{
    extern char **environ;
    struct node n = {.aws = aws_env_of(environ), .pid_file = {-1}};
    struct buf dotenv CLEANUP(buf_fini);
    char why[256];
    bool refused = false;
    int code;

    buf_init(&dotenv, DOTENV_MAX);
    switch (file_read_own(".env", &dotenv)) {
    case 0:
        break;
    case -EPERM:
        refused = true;
        buf_clear(&dotenv);
        break;
    default:
        buf_clear(&dotenv); /* there need not be one */
    }
    switch (conf_load(&n.conf,
                      &(struct conf_input){.command = command,
                                           .argc = argc,
                                           .argv = argv,
                                           .env = environ,
                                           .dotenv = buf_peek(&dotenv)},
                      why)) {
    case CONF_HELP:
        conf_help(stdout, command);
        return 0;
    case CONF_BAD:
        return usage_error(why);
    case CONF_OK:
        break;
    }
    if (refused)
        say(&n, "env_file_refused",
            ".env is not read: its owner is neither this user nor root, or others may write to it");
    if (n.conf.print_settings) {
        conf_dump(&n.conf, stdout);
        conf_fini(&n.conf);
        return 0;
    }
    code = run_command(&n);
    conf_fini(&n.conf);
    return code;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "--help";

    process_keep_private();
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 ||
        strcmp(command, "help") == 0) {
        conf_help(stdout, argc > 2 ? argv[2] : NULL);
        return 0;
    }
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        puts("polylog " VERSION);
        return 0;
    }
    if (strcmp(command, "man") == 0) {
        conf_man(stdout);
        return 0;
    }
    return run(command, argc - 2, argv + 2);
}
