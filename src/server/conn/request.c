#include "server/conn/request.h"

#include "base/mem.h"
#include "server/conn/conn.h"
#include "server/conn/exchange.h"
#include "server/conn/person.h"
#include "server/conn/request_trace.h"
#include "server/conn/work.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdlib.h>

/* An answer of history, and what else it may hold, fits; so does a list of a
 * thousand rooms with long titles. */
#define OK_EXTRA (4 * 1024 * 1024)
/* No more are counted: a recovery of a namespace does not wait until it may be taken. */
#define LARGE_COUNTED 15
#define OK_UNLIMITED (16 * 1024 * 1024)
/* A smaller answer is in the command's own cost. */
#define SERVED_MIN 1024

static struct request *make(struct worker *w, struct conn *c, struct str bytes, request_f *answer)
{
    struct request *r = mem_bytes(sizeof(*r) + bytes.n + 1);
    size_t history = w->server->conf->history_max;

    assert(answer != NULL && (c == NULL || c->worker == w));
    memset(r, 0, sizeof(*r));
    if (bytes.n > 0)
        memcpy(r->bytes, bytes.p, bytes.n);
    r->n = bytes.n;
    r->conn = c;
    r->worker = w;
    r->answer = answer;
    r->call.worker = w->index;
    r->call.source = c;
    call_init(&r->call, history > 0 ? history + OK_EXTRA : OK_UNLIMITED);
    list_push(&w->requests, &r->node);
    if (c != NULL)
        c->calls_n++;
    return r;
}

struct request *request_new(struct conn *c, struct str bytes, request_f *answer)
{
    return make(c->worker, c, bytes, answer);
}

struct request *request_for(struct exchange *x, struct str bytes, request_f *answer)
{
    struct request *r = make(x->worker, x->conn, bytes, answer);

    exchange_hold(x);
    r->exchange = x;
    return r;
}

struct request *request_by(struct conn *c, struct exchange *x, struct str bytes, request_f *answer)
{
    struct request *r = make(c->worker, c, bytes, answer);

    assert(c->recv.fd < 0 && x->worker == c->worker);
    exchange_hold(x);
    r->exchange = x;
    return r;
}

bool request_is_open(const struct request *r)
{
    assert(r->exchange != NULL || r->conn != NULL);
    return r->exchange != NULL ? exchange_is_open(r->exchange) : r->conn->state == CONN_OPEN;
}

void request_who(struct request *r, const struct caller *who)
{
    size_t n = MIN(who->name.n, sizeof(r->name));

    if (n > 0)
        memcpy(r->name, who->name.p, n);
    r->call.who = *who;
    r->call.who.name = (struct str){(const uint8_t *)r->name, n};
}

void request_large(struct request *r)
{
    struct conn *c = r->conn, *socket;

    assert(c != NULL);
    socket = conn_socket(c);
    if (r->large || c->state != CONN_OPEN || socket->large_n >= LARGE_COUNTED)
        return;
    r->large = true;
    c->large_n++;
    if (socket != c)
        socket->large_n++;
    if (socket->large_n >= CONN_LARGE_MAX)
        conn_stall(socket);
}

/* Of a namespace that is closed, its session has forgotten it. */
static void end_large(struct conn *c)
{
    struct conn *socket = conn_socket(c);

    assert(c->large_n > 0);
    c->large_n--;
    if (socket != c)
        socket->large_n--;
    if (socket->stalled)
        conn_mark(socket);
}

void request_end(struct request *r)
{
    struct exchange *x = r->exchange;
    struct conn *c = r->conn;

    assert((c == NULL || c->calls_n > 0) && r->children == 0 && r->held == NULL);
    if (r->call.error != ERROR_NONE)
        metrics_add(r->worker->metrics, (enum metric)(METRIC_ERRORS + (unsigned)r->call.error - 1),
                    1);
    if (r->call.error != ERROR_NONE && c != NULL && c->state == CONN_OPEN && r->parent == NULL &&
        command_error_status(r->call.error) < 500)
        work_refused(c);
    if (r->call.who.user != 0 && r->parent == NULL && buf_len(&r->call.ok) >= SERVED_MIN)
        person_served(r->worker, person_get(r->worker, &r->call.who), buf_len(&r->call.ok));
    if (request_is_open(r))
        r->answer(r);
    if (r->call.trace.sampled)
        request_trace_end(r);
    if (r->large)
        end_large(c);
    if (r->parent != NULL)
        c->children_n--;
    list_remove(&r->node);
    call_fini(&r->call);
    free(r);
    if (c != NULL) {
        conn_release(c);
        if (conn_socket(c)->ending)
            conn_mark(conn_socket(c)); /* conn_retire */
    }
    if (x != NULL)
        exchange_release(x);
}

/* The call itself is in other hands. */
static void request_abandon(struct request *r)
{
    struct request stub = {.conn = r->conn,
                           .exchange = r->exchange,
                           .worker = r->worker,
                           .wants_answer = r->wants_answer,
                           .answer_id = r->answer_id,
                           .call = {.error = ERROR_store_failed}};

    assert(r->command && request_is_open(r));
    stub.call.cmd.id = r->call.cmd.id;
    stub.call.cmd.reply_kind = r->call.cmd.reply_kind;
    stub.call.cmd.reply = r->call.cmd.reply;
    r->answer(&stub);
    r->answer = request_answered;
}

void request_give_up(struct worker *w, const struct conn *c)
{
    for (struct list *l = w->requests.next; l != &w->requests; l = l->next) {
        struct request *r = CONTAINER_OF(l, struct request, node);

        if (r->command && request_is_open(r) &&
            (c == NULL || (r->conn != NULL && conn_socket(r->conn) == c)))
            request_abandon(r);
    }
}

void request_answered(struct request *r)
{
    (void)r;
}
