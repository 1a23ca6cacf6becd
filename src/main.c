/* main.c: argv -> configuration -> wiring. The only file that knows everything. */
#include "admin/drain_command.h"
#include "admin/store_command.h"
#include "aws/aws_env.h"
#include "base/str.h"
#include "bench/bench.h"
#include "bus/bus_login.h"
#include "bus/bus_redis.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "io/file.h"
#include "io/host.h"
#include "io/http_client.h"
#include "io/process.h"
#include "io/signals.h"
#include "io/usage.h"
#include "migrate/migrate_main.h"
#include "server/accept.h"
#include "server/server.h"
#include "store/store_mem.h"

#include <errno.h>
#include <signal.h>
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
    struct store *store;
    struct bus_login *login;
    struct bus *bus;
    struct http_client *http;
    struct aws_env aws;
    struct server *server;
    struct signals *signals;
    int exit_code;
};

static bool log_is_json(const struct conf *c)
{
    return c->log_format == CONF_LOG_FORMAT_JSON ||
           (c->log_format == CONF_LOG_FORMAT_AUTO && !process_is_terminal(STDERR_FILENO));
}

static void caught(void *ctx, int signal)
{
    struct node *n = ctx;

    if (signal == SIGTERM || signal == SIGINT) {
        (void)process_notify("STOPPING=1");
        process_end_within((unsigned)(n->conf.drain_ms / 1000) + LOOPS_END_S,
                           "polylog: stopped while a worker's loop hangs\n");
        server_stop(n->server);
    } else if (signal == SIGHUP) {
        server_reload(n->server);
    } else if (signal == SIGUSR1) {
        server_drain(n->server);
    } else if (signal == SIGUSR2) {
        server_undrain(n->server);
    }
}

static void say_where(const struct server *s)
{
    const char *url;

    for (unsigned i = 0; (url = accept_url(s, i)) != NULL; i++) {
        printf("polylog: %s %s\n", s->o.echo ? "echoes at" : "serves the chat at", url);
        if (i == 0 && s->owner_code[0] != '\0' && !s->o.echo)
            printf("polylog: whoever opens this link first becomes the owner:\n"
                   "         %s/#owner=%s\n",
                   url, s->owner_code);
    }
    fflush(stdout);
}

static void write_pid(const char *path)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (path[0] != '\0' && file_replace(path, (struct str){(const uint8_t *)text, (size_t)n}) < 0)
        fprintf(stderr, "polylog: cannot write %s\n", path);
}

static void serving(void *ctx, const struct server *s)
{
    struct node *n = ctx;

    write_pid(n->conf.pid_file);
    if (n->conf.user[0] != '\0' && process_is_root() && process_become(n->conf.user) < 0) {
        fprintf(stderr, "polylog: cannot become user %s\n", n->conf.user);
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

    fprintf(stderr, "polylog: %s\n", why);
    n->exit_code = 1;
}

static void stuck(void *ctx)
{
    (void)ctx;
    _exit(1);
}

/* On any thread. */
static void engine_told(void *ctx, const char *what, const char *why)
{
    struct node *n = ctx;

    if (n->server != NULL)
        server_engine_told(n->server, what, why);
    else if (why != NULL)
        fprintf(stderr, "polylog: %s: %s\n", what, why);
}

static bool open_store(struct node *n, bool echo)
{
    struct engine_listener listener = {.told = engine_told, .ctx = n};
    char why[ENGINE_WHY_MAX];

    if (echo)
        return store_mem_open(n->host, NULL, &n->store) == 0;
    if (engine_open(&n->conf, n->host, &listener, &n->store, why) == 0)
        return true;
    fprintf(stderr, "polylog: cannot open %s\n", why);
    return false;
}

/* On the bus' loop. */
static void bus_changed(void *ctx, bool up, const char *why)
{
    struct node *n = ctx;

    server_bus_changed(n->server, up, why);
}

static void identified(void *ctx, struct str id)
{
    struct node *n = ctx;

    if (bus_redis_start(n->bus, id) == 0)
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
        fprintf(stderr, "polylog: %s\n", why);
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
    fprintf(stderr, "polylog: %s\n", why);
    return false;
}

static bool open_node(struct node *n, bool echo)
{
    struct server_options o = {
        .conf = &n->conf,
        .version = VERSION,
        .serving = serving,
        .failed = failed,
        .stuck = stuck,
        .ctx = n,
        .workers = n->conf.workers > 0 ? (unsigned)MIN(n->conf.workers, (uint64_t)WORKERS_MAX)
                                       : MIN(process_cpus(), (unsigned)WORKERS_MAX),
        .echo = echo,
    };
    char why[SERVER_WHY_MAX];

    (void)usage_descriptors();
    if (host_epoll_new(&n->host) < 0 ||
        log_sink_new(n->host, stderr, log_is_json(&n->conf), &n->log) < 0) {
        fprintf(stderr, "polylog: cannot start: %s\n", strerror(errno));
        return false;
    }
    if (!open_store(n, echo))
        return false;
    if (!open_bus(n, echo))
        return false;
    if (server_needs_http(&n->conf, &n->aws) &&
        http_client_curl_new(&(struct http_options){0}, &n->http) < 0) {
        fprintf(stderr, "polylog: cannot start the client for other services\n");
        return false;
    }
    o.host = n->host;
    o.log = n->log;
    o.store = n->store;
    o.bus = n->bus;
    o.identified = bus_is_alone(n->bus) ? NULL : identified;
    o.http = n->http;
    o.aws = &n->aws;
    o.inherited_n = process_inherited(&o.inherited);
    if (server_new(&o, &n->server, why) < 0) {
        fprintf(stderr, "polylog: %s\n", why);
        return false;
    }
    if (signals_start(n->server->workers[0].io, caught, n, &n->signals) < 0 ||
        server_start(n->server) < 0) {
        fprintf(stderr, "polylog: cannot start its workers\n");
        return false;
    }
    return true;
}

/* Everything has ended; the store is closed before the loops to which its last
 * completions go. */
static void close_node(struct node *n)
{
    signals_stop(n->signals);
    process_end_within(CLOSE_S, "polylog: stopped while the store does not end its writes\n");
    bus_stop(n->bus);
    store_close(n->store);
    process_end_within(CLOSE_S, "polylog: stopped while the log cannot be written\n");
    http_client_close(n->http);
    server_free(n->server);
    bus_close(n->bus);
    bus_login_close(n->login);
    log_sink_close(n->log);
    host_free(n->host);
}

static int serve(struct node *n, bool echo)
{
    if (echo) { /* whoever runs a conformance suite comes from one address, fast */
        n->conf.connects_per_address = 0;
        n->conf.unsent_replies_max = ECHO_UNSENT_MAX;
        if (!conf_is_given(&n->conf, CONF_ID_fragments_max))
            n->conf.fragments_max = 0; /* and sends 4 MiB in frames of 64 bytes */
    }
    process_return_memory();
    if (process_no_new_rights() < 0)
        fprintf(stderr, "polylog: cannot give up gaining rights\n");
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

static int run(const char *command, int argc, char **argv)
{
    extern char **environ;
    struct node n = {.aws = aws_env_of(environ)};
    struct buf dotenv CLEANUP(buf_fini);
    char why[256];
    int code = 1;

    buf_init(&dotenv, DOTENV_MAX);
    if (file_read(".env", &dotenv) < 0)
        buf_clear(&dotenv); /* there need not be one */
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
    if (n.conf.print_settings) {
        conf_dump(&n.conf, stdout);
        conf_fini(&n.conf);
        return 0;
    }
    switch (n.conf.command) {
    case CONF_BENCH:
        code = bench_main(&n.conf);
        break;
    case CONF_DRAIN:
        code = drain_command(&n.conf);
        break;
    case CONF_MIGRATE:
        code = migrate_main(&n.conf, open_for_migrate);
        break;
    case CONF_STORE:
        code = store_command(&n.conf, open_for_store);
        break;
    case CONF_SERVE:
    case CONF_ECHO:
        code = serve(&n, n.conf.command == CONF_ECHO);
        break;
    }
    conf_fini(&n.conf);
    return code;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "--help";

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
