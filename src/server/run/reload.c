#include "server/run/reload.h"

#include "base/mem.h"
#include "io/host.h"
#include "server/node/issuer.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

struct reload {
    struct server *server;
    struct io_helper *helper;
    struct io_job job;
    bool busy, again;
    /* What the job found. */
    struct ssl_ctx_st *fresh[WORKERS_MAX]; /* NULL: no TLS, or no good */
    struct jwks *keys;                     /* NULL: not in a file, or no good */
    char tls_why[TLS_CONTEXT_ERROR_MAX];   /* empty: fine */
    char keys_why[ISSUER_WHY_MAX];
};

static struct worker *reload_home(const struct reload *r)
{
    return server_first(r->server);
}

/* On the helper's thread. */

static void drop_fresh(struct reload *r)
{
    for (unsigned i = 0; i < r->server->workers_n; i++) {
        tls_context_drop(r->fresh[i]);
        r->fresh[i] = NULL;
    }
}

/* For all workers, or, if the files change meanwhile and are no good for one, for none. */
static void read_certificate(struct reload *r)
{
    for (unsigned i = 0; i < r->server->workers_n; i++) {
        const struct tls_context *ctx = r->server->workers[i].tls_context;

        if (ctx != NULL && tls_context_read(ctx, &r->fresh[i], r->tls_why) < 0) {
            drop_fresh(r);
            return;
        }
    }
}

static uint64_t reload_read(void *ctx, struct io_job *chain)
{
    struct reload *r = ctx;

    assert(chain == &r->job && chain->mail.next == NULL);
    r->tls_why[0] = r->keys_why[0] = '\0';
    read_certificate(r);
    r->keys = issuer_read(r->server->issuer, r->keys_why);
    return IO_FOREVER;
}

/* On the workers. */

static void fresh_arrived(struct worker *w, const void *arg)
{
    struct ssl_ctx_st *const *fresh = arg;

    if (lifecycle_at(&w->life) == LIFE_ENDED)
        tls_context_drop(*fresh);
    else
        tls_context_take(w->tls_context, *fresh);
}

static void hand_out(struct reload *r)
{
    assert(r->server->workers_n <= COUNTOF(r->fresh));
    for (unsigned i = 0; i < r->server->workers_n; i++) {
        if (r->fresh[i] == NULL)
            continue;
        worker_run(reload_home(r), i, fresh_arrived, &r->fresh[i], sizeof(r->fresh[i]));
        r->fresh[i] = NULL;
    }
}

static void has_read(struct io_mail *mail)
{
    struct reload *r = CONTAINER_OF(mail, struct reload, job.mail);
    struct log *log = reload_home(r)->log;
    struct jwks *keys = r->keys;

    assert(r->busy);
    r->busy = false;
    r->keys = NULL;
    if (lifecycle_at(&reload_home(r)->life) == LIFE_ENDED) {
        drop_fresh(r);
        jwks_unref(keys);
        return;
    }
    if (r->tls_why[0] != '\0')
        log_error(log, "reload", LOG_TEXT("error", r->tls_why));
    if (r->keys_why[0] != '\0')
        log_error(log, "reload", LOG_TEXT("error", r->keys_why));
    if (r->tls_why[0] == '\0' && r->keys_why[0] == '\0')
        log_info(log, "reload", LOG_BOOL("tls", r->fresh[0] != NULL),
                 LOG_BOOL("jwks", keys != NULL));
    hand_out(r);
    if (keys != NULL)
        issuer_take(r->server->issuer, keys);
    if (r->again)
        reload_ask(r);
}

void reload_ask(struct reload *r)
{
    issuer_refresh(r->server->issuer);
    r->again = r->busy;
    if (r->busy)
        return;
    r->busy = true;
    r->job = (struct io_job){.mail.deliver = has_read, .home = reload_home(r)->io};
    host_submit(r->helper, &r->job);
}

int reload_new(struct server *s, struct reload **ret_reload)
{
    struct reload *r = mem_zeroed(1, sizeof(*r));
    struct io_helper_options o = {.name = "files", .threads = 1, .run = reload_read, .ctx = r};
    int error;

    r->server = s;
    error = host_helper_new(s->o.host, &o, &r->helper);
    if (error < 0)
        free(r);
    else
        *ret_reload = r;
    return error;
}

void reload_stop(struct reload *r)
{
    if (r == NULL)
        return;
    host_helper_close(r->helper);
    r->helper = NULL;
}

void reload_free(struct reload *r)
{
    free(r);
}
