#include "admin/store_command.h"

#include "admin/store_adopt.h"
#include "admin/store_repair.h"
#include "io/host.h"
#include "store/store_dynamodb_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than a node takes from one beat to the next. */
#define ADOPT_LOOK_MS 8000

static int command_failed(const char *why)
{
    (void)fprintf(stderr, "polylog store: %s\n", why);
    return EXIT_FAILURE;
}

static void said(void *ctx, const char *line)
{
    (void)ctx;
    puts(line);
    (void)fflush(stdout);
}

static void done(struct store_req *req)
{
    *(bool *)CONTAINER_OF(req, struct store_dynamodb_tables, req)->ctx = true;
}

static int run(const struct conf *c, struct io *io, struct store *store, bool make)
{
    bool ended = false;
    struct store_dynamodb_tables t = {
        .req = {.home = io, .done = done},
        .make = make,
        .recovery = c->recovery,
        .protection = c->deletion_protection,
        .key = c->kms_key,
        .patience_ms = (unsigned)c->patience_ms,
        .said = said,
        .ctx = &ended,
    };

    store_dynamodb_tables(store, &t);
    while (!ended)
        io_wait(io, IO_FOREVER);
    if (t.req.result == STORE_OK)
        return EXIT_SUCCESS;
    return command_failed(t.ret_why);
}

static int open_and_run(const struct conf *c, struct io_host *host, struct io *io,
                        store_command_open_f *open, bool make)
{
    char why[256] = "memory is out";
    struct store *store;
    int code;

    if (open(c, host, "dynamodb", true, &store, why) < 0)
        return command_failed(why);
    code = run(c, io, store, make);
    store_close(store);
    return code;
}

/* The store that is set. NULL, and why it cannot be opened. */
static struct store *open_set(const struct conf *c, struct io_host *host,
                              store_command_open_f *open, char why[static 256])
{
    struct store *store;
    char name[4096];

    if (c->store == CONF_STORE_MEM) {
        (void)snprintf(why, 256, "what is kept in memory ends with its process");
        return NULL;
    }
    (void)snprintf(name, sizeof(name), "%s%s",
                   c->store == CONF_STORE_SQLITE ? "sqlite:" : "dynamodb",
                   c->store == CONF_STORE_SQLITE ? c->data : "");
    return open(c, host, name, true, &store, why) < 0 ? NULL : store;
}

static int adopt(const struct conf *c, struct io_host *host, struct io *io,
                 store_command_open_f *open)
{
    char why[256] = "memory is out";
    struct store_adopt a = {.io = io, .wait_ms = ADOPT_LOOK_MS, .said = said};
    int r;

    a.store = open_set(c, host, open, why);
    if (a.store == NULL)
        return command_failed(why);
    r = store_adopt(&a, why);
    store_close(a.store);
    return r < 0 ? command_failed(why) : EXIT_SUCCESS;
}

/* Fails as long as something is lost and nothing says so. */
static int repair(const struct conf *c, struct io_host *host, struct io *io,
                  store_command_open_f *open)
{
    char why[256] = "memory is out";
    struct store_repair p = {.io = io, .dry_run = c->dry_run, .said = said};
    int r;

    p.store = open_set(c, host, open, why);
    if (p.store == NULL)
        return command_failed(why);
    r = store_repair(&p, why);
    store_close(p.store);
    if (r < 0)
        return command_failed(why);
    return p.ret_failed > 0 || p.ret_filled < p.ret_lost ? EXIT_FAILURE : EXIT_SUCCESS;
}

int store_command(const struct conf *c, store_command_open_f *open)
{
    bool adopts = strcmp(c->store_action, "adopt") == 0;
    bool repairs = strcmp(c->store_action, "repair") == 0;
    bool make = strcmp(c->store_action, "init") == 0;
    struct io_host *host;
    struct io *io;
    int code, r;

    if (!adopts && !repairs && !make && strcmp(c->store_action, "check") != 0) {
        (void)command_failed("say what: polylog store init, check, adopt or repair");
        return CONF_EXIT_USAGE;
    }
    if (c->dry_run && !repairs) {
        (void)command_failed("--dry-run is for polylog store repair");
        return CONF_EXIT_USAGE;
    }
    r = host_epoll_new(&host);
    if (r < 0)
        return command_failed(strerror(-r));
    r = host_io_new(host, &io);
    code = r < 0     ? command_failed(strerror(-r))
           : adopts  ? adopt(c, host, io, open)
           : repairs ? repair(c, host, io, open)
                     : open_and_run(c, host, io, open, make);
    if (r == 0)
        io_free(io);
    host_free(host);
    return code;
}
