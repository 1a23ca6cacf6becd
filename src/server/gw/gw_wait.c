#include "server/gw/gw_wait.h"

#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/node/worker.h"

static void gw_wait_push(struct gw_conn *g, struct request *r)
{
    r->call.next = NULL;
    if (g->waits == NULL)
        g->waits = &r->call;
    else
        g->waits_end->next = &r->call;
    g->waits_end = &r->call;
    if (g->waits_n++ == 0)
        g->waits_ms = worker_now_ms(r->worker);
}

static struct request *gw_wait_pop(struct gw_conn *g)
{
    struct call *call = g->waits;

    assert(call != NULL && g->waits_n > 0);
    g->waits = call->next;
    g->waits_n--;
    call->next = NULL;
    return request_of(call);
}

/* Nobody is logged in, nor being logged in: the auth may be on its way. */
static bool is_early(const struct conn *c, const struct request *r)
{
    return c->person == NULL && c->held == NULL && !command_is_public(r->call.cmd.id);
}

void gw_wait_take(struct request *r)
{
    struct conn *c = r->conn;
    struct gw_conn *g = gw_conn_of(c);

    assert(g != NULL && c->state == CONN_OPEN);
    if (c->ending) {
        session_fail(r, (struct command_problem){.code = ERROR_store_failed}); /* come again */
    } else if (!c->paused && !is_early(c, r)) {
        session_message(r);
    } else if (g->waits_n == GW_WAIT_N_MAX) {
        session_fail(r, (struct command_problem){.code = ERROR_too_many_commands});
    } else {
        gw_wait_push(g, r);
        conn_timer(c, worker_now_ms(c->worker)); /* its deadlines are others now */
    }
}

/* In order, from the first one, as long as they may run; late: those that wait for an auth, too. */
static void run_some(struct conn *c, bool late)
{
    struct gw_conn *g = gw_conn_of(c);

    while (c->state == CONN_OPEN && g->waits != NULL && !c->paused &&
           (late || !is_early(c, request_of(g->waits))))
        session_message(gw_wait_pop(g));
}

void gw_wait_run(struct conn *c)
{
    run_some(c, false);
}

uint64_t gw_wait_due_ms(const struct gw_conn *g)
{
    return g->waits != NULL ? g->waits_ms + GW_WAIT_MS : UINT64_MAX;
}

void gw_wait_look(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);
    uint64_t now = worker_now_ms(c->worker);

    if (gw_wait_due_ms(g) > now)
        return;
    while (c->ending && c->state == CONN_OPEN && g->waits != NULL)
        session_fail(gw_wait_pop(g), (struct command_problem){.code = ERROR_store_failed});
    run_some(c, true);
    if (c->state == CONN_OPEN && g->waits != NULL)
        g->waits_ms = now; /* paused: it is looked again */
}

void gw_wait_end(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);

    assert(c->state == CONN_CLOSED);
    while (g->waits != NULL)
        session_fail(gw_wait_pop(g), (struct command_problem){.code = ERROR_store_failed});
}
