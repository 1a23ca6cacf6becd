#include "server/gw/gw_order.h"

#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/gw/gw_wait.h"
#include "server/node/worker.h"

static void order_run(struct request *r)
{
    if (r->call.error != ERROR_NONE)
        request_end(r); /* it could not be parsed */
    else
        gw_wait_take(r);
}

/* By their numbers. False: too many wait. */
static bool order_push(struct gw_conn *g, struct request *r)
{
    struct call **at = &g->early;

    if (g->early_n >= GW_ORDER_N_MAX)
        return false;
    while (*at != NULL && (*at)->cmd.n <= r->call.cmd.n)
        at = &(*at)->next;
    r->call.next = *at;
    *at = &r->call;
    if (g->early_n++ == 0)
        g->early_ms = worker_now_ms(r->worker);
    return true;
}

static struct request *order_pop(struct gw_conn *g)
{
    struct call *call = g->early;

    assert(call != NULL && g->early_n > 0);
    g->early = call->next;
    g->early_n--;
    call->next = NULL;
    return request_of(call);
}

/* Those whose turn has come. What runs may close the connection. */
static void order_go_on(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);

    while (c->state == CONN_OPEN && g->early != NULL && g->early->cmd.n <= g->next_n) {
        struct request *r = order_pop(g);

        g->early_ms = worker_now_ms(c->worker);
        if (r->call.cmd.n == g->next_n)
            g->next_n++;
        order_run(r);
    }
}

/* True while this home has to find out where the numbers stand. */
static bool order_learns(struct gw_conn *g, uint64_t n)
{
    uint64_t now = worker_now_ms(g->conn->worker);

    if (g->next_n > 0)
        return false;
    g->most_n = MAX(g->most_n, n);
    if (now >= g->began_ms + GW_ORDER_MS)
        g->next_n = g->most_n + 1;
    return true;
}

void gw_order_take(struct request *r)
{
    struct conn *c = r->conn;
    struct gw_conn *g = gw_conn_of(c);
    uint64_t n = r->call.cmd.n;

    assert(g != NULL && c->state == CONN_OPEN);
    if (n == 0 || order_learns(g, n) || n < g->next_n) {
        order_run(r);
    } else if (!order_push(g, r)) {
        session_fail(r, (struct command_problem){.code = ERROR_too_many_commands});
    } else {
        order_go_on(c);
        if (c->state == CONN_OPEN && g->early != NULL)
            conn_timer(c, worker_now_ms(c->worker)); /* its deadlines are others now */
    }
}

uint64_t gw_order_due_ms(const struct gw_conn *g)
{
    return g->early != NULL ? g->early_ms + GW_ORDER_MS : UINT64_MAX;
}

void gw_order_look(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);

    if (gw_order_due_ms(g) > worker_now_ms(c->worker))
        return;
    g->next_n = g->early->cmd.n; /* what is missing does not come */
    order_go_on(c);
}

void gw_order_end(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);

    assert(c->state == CONN_CLOSED);
    while (g->early != NULL)
        session_fail(order_pop(g), (struct command_problem){.code = ERROR_store_failed});
}
