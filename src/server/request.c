#include "server/request.h"

#include "server/conn.h"
#include "server/server.h"
#include "server/worker.h"

#include <stdlib.h>

/* An answer of history, and what else it may hold, fits; so does a list of a
 * thousand rooms with long titles. */
#define OK_EXTRA (4 * 1024 * 1024)
#define OK_UNLIMITED (16 * 1024 * 1024)

struct request *request_new(struct conn *c, struct str bytes, void (*answer)(struct request *r))
{
    struct request *r = malloc(sizeof(*r) + bytes.n + 1);
    size_t history = c->worker->server->conf->history_max;

    if (r == NULL)
        abort();
    memset(r, 0, sizeof(*r));
    if (bytes.n > 0)
        memcpy(r->bytes, bytes.p, bytes.n);
    r->n = bytes.n;
    r->conn = c;
    r->worker = c->worker;
    r->answer = answer;
    r->call.worker = c->worker->index;
    call_init(&r->call, history > 0 ? history + OK_EXTRA : OK_UNLIMITED);
    c->calls_n++;
    return r;
}

void request_who(struct request *r, const struct caller *who)
{
    size_t n = MIN(who->name.n, sizeof(r->name));

    if (n > 0)
        memcpy(r->name, who->name.p, n);
    r->call.who = *who;
    r->call.who.name = (struct str){(const uint8_t *)r->name, n};
}

void request_end(struct request *r)
{
    struct conn *c = r->conn;

    if (r->call.error != ERROR_NONE)
        metrics_add(r->worker->metrics, (enum metric)(METRIC_ERRORS + (unsigned)r->call.error - 1),
                    1);
    if (c->state == CONN_OPEN)
        r->answer(r);
    if (r->parent != NULL)
        c->children_n--;
    call_fini(&r->call);
    free(r);
    conn_release(c);
}

void request_answered(struct request *r)
{
    (void)r;
}
