#include "server/drain.h"

#include "server/accept.h"
#include "server/conn.h"
#include "server/door_http.h"
#include "server/door_ws.h"
#include "server/eio_far.h"
#include "server/server.h"
#include "server/worker.h"

#define DROP_AFTER_MS 10000
#define STUCK_AFTER_MS 10000 /* behind that */
#define AGAIN_MS 1000        /* what the second time may take, at least */

/* No request is taken any more; who has asked is answered. */
static void end_request(struct conn *c)
{
    if (c->http != NULL && c->http->far != NULL)
        eio_far_hurry(c);
    if (c->http != NULL && c->http->state == HTTP_BUSY)
        c->http->close = true;
    else if (c->flight != NULL || c->out != NULL)
        conn_finish(c, METRIC_close_draining);
    else
        conn_drop(c, METRIC_close_draining);
}

/* What the worker waits for, most likely the cause of the others first. */
static const char *waits_for(const struct worker *w)
{
    if (room_owner_busy(&w->owner) || (w->index == 0 && server_is_asking(w->server)))
        return "writes to the store";
    if (w->feeds.reads_n > 0)
        return "reads from the store";
    return w->conns_n > 0 ? "commands that have not ended" : "its listeners";
}

static unsigned calls_in_hand(const struct worker *w)
{
    unsigned n = 0;

    for (struct list *l = w->conns.next; l != &w->conns; l = l->next)
        n += CONTAINER_OF(l, struct conn, node)->calls_n;
    return n;
}

static void limit_due(struct wheel_timer *t)
{
    struct drain *d = CONTAINER_OF(t, struct drain, limit);
    struct worker *w = CONTAINER_OF(d, struct worker, drain);

    if (d->dropped && d->settled)
        return; /* others are late */
    if (d->dropped) {
        log_error(w->log, "stuck", LOG_TEXT("waits_for", waits_for(w)),
                  LOG_U64("connections", w->conns_n), LOG_U64("commands", calls_in_hand(w)),
                  LOG_U64("reads", w->feeds.reads_n));
        server_worker_stuck(w->server, w);
        return;
    }
    d->dropped = true;
    if (!d->settled)
        log_warn(w->log, "drain_late", LOG_TEXT("waits_for", waits_for(w)),
                 LOG_U64("connections", w->conns_n));
    for (struct list *l = w->conns.next, *next; l != &w->conns; l = next) {
        next = l->next;
        conn_drop(CONTAINER_OF(l, struct conn, node), METRIC_close_draining);
    }
    wheel_set(&w->wheel, t, worker_now_ms(w) + STUCK_AFTER_MS);
}

void drain_begin(struct worker *w)
{
    w->draining = true;
    w->move.on = false;
    wheel_cancel(&w->wheel, &w->move.tick);
    for (struct list *n = w->conns.next, *next; n != &w->conns; n = next) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        next = n->next;
        if (c->state != CONN_OPEN)
            continue;
        if (c->door->event != NULL)
            door_ws_close(c, WS_CLOSE_SERVICE_RESTART, STR("draining"), METRIC_close_draining);
        else
            end_request(c);
    }
    room_owner_settle(&w->owner);
    w->drain.limit.fire = limit_due;
    wheel_set(&w->wheel, &w->drain.limit, worker_now_ms(w) + DROP_AFTER_MS);
}

static bool is_settled(struct worker *w)
{
    if (w->index == 0 && (!accept_closed(w->server) || server_is_asking(w->server)))
        return false;
    if (w->conns_n > 0 || room_owner_busy(&w->owner) || w->feeds.reads_n > 0)
        return false;
    if (!w->drain.saved) {
        w->drain.saved = true;
        room_owner_settle(&w->owner);
        return false;
    }
    return true;
}

void drain_turn(struct worker *w)
{
    if (w->drain.settled || !is_settled(w))
        return;
    w->drain.settled = true;
    server_worker_settled(w->server, w);
}

void drain_again(struct worker *w)
{
    assert(w->drain.settled && w->conns_n == 0);
    w->drain.settled = w->drain.saved = false;
    if (!wheel_armed(&w->drain.limit)) /* it is over already */
        wheel_set(&w->wheel, &w->drain.limit, worker_now_ms(w) + AGAIN_MS);
}
