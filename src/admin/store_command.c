#include "admin/store_command.h"

#include "io/host.h"
#include "store/store_dynamodb_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *why)
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
    return failed(t.ret_why);
}

static int open_and_run(const struct conf *c, struct io_host *host, struct io *io,
                        store_command_open_f *open, bool make)
{
    char why[256] = "memory is out";
    struct store *store;
    int code;

    if (open(c, host, "dynamodb", true, &store, why) < 0)
        return failed(why);
    code = run(c, io, store, make);
    store_close(store);
    return code;
}

int store_command(const struct conf *c, store_command_open_f *open)
{
    bool make = strcmp(c->store_action, "init") == 0;
    struct io_host *host;
    struct io *io;
    int code, r;

    if (!make && strcmp(c->store_action, "check") != 0) {
        (void)failed("say what: polylog store init, or polylog store check");
        return CONF_EXIT_USAGE;
    }
    r = host_epoll_new(&host);
    if (r < 0)
        return failed(strerror(-r));
    r = host_io_new(host, &io);
    code = r < 0 ? failed(strerror(-r)) : open_and_run(c, host, io, open, make);
    if (r == 0)
        io_free(io);
    host_free(host);
    return code;
}
