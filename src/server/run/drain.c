#include "server/run/drain.h"

#include "chat/room/owner.h"
#include "server/conn/conn.h"
#include "server/conn/move.h"
#include "server/conn/request.h"
#include "server/conn/revoked.h"
#include "server/health/guard.h"
#include "server/health/peers.h"
#include "server/http/door_http.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/run/accept.h"
#include "server/run/boot.h"
#include "server/run/gw_heir.h"

#define GIVE_UP_AFTER_MS 10000
#define DROP_AFTER_MS 2000  /* behind that */
#define STUCK_AFTER_MS 8000 /* behind that */
#define AGAIN_MS 1000       /* what the second time may take, at least */

/* No request is taken any more; who has asked is answered. */
static void end_request(struct conn *c)
{
    assert(c->state == CONN_OPEN && c->door->event == NULL);
    if (door_http_drain(c))
        return;
    if (c->flight != NULL || c->out != NULL)
        conn_finish(c, METRIC_close_draining);
    else
        conn_drop(c, METRIC_close_draining);
}

/* Has worker 0 requests of the node's own under way: the start's, a heartbeat? */
static bool is_asking(const struct server *s)
{
    return boot_is_asking(s->boot) || guard_is_asking(s->guard) || revoked_is_asking(s->revoked) ||
           peers_is_asking(s->peers) || gw_heir_is_asking(s->heir);
}

/* What the worker waits for, most likely the cause of the others first. */
static const char *waits_for(const struct worker *w)
{
    if (owner_busy(&w->owner) || (w->index == 0 && is_asking(w->server)))
        return "writes to the store";
    if (w->people.seen.writing_n > 0)
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

static void end_all(struct worker *w)
{
    for (struct list *n = w->conns.next, *next; n != &w->conns; n = next) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        next = n->next;
        if (c->state != CONN_OPEN)
            continue;
        if (c->door->event == NULL)
            end_request(c);
        else if (conn_socket(c) == c) /* a namespace ends with its session */
            conn_retire(c);
    }
}

/* Whoever still waits is told that it is in vain, and closed. */
static void drain_give_up(struct worker *w)
{
    if (lifecycle_at(&w->life) < LIFE_SETTLED)
        log_warn(w->log, "drain_late", LOG_TEXT("waits_for", waits_for(w)),
                 LOG_U64("connections", w->conns_n));
    request_give_up(w, NULL);
    for (struct list *n = w->conns.next, *next; n != &w->conns; n = next) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        next = n->next;
        if (c->state == CONN_OPEN && c->door->event != NULL && conn_socket(c) == c)
            conn_end(c, WS_CLOSE_SERVICE_RESTART, STR("draining"), METRIC_close_draining);
    }
}

static void drop_all(struct worker *w)
{
    assert(w->drain->over_n == 2);
    for (struct list *l = w->conns.next, *next; l != &w->conns; l = next) {
        next = l->next;
        conn_drop(CONTAINER_OF(l, struct conn, node), METRIC_close_draining);
    }
}

static void say_stuck(struct worker *w)
{
    if (lifecycle_at(&w->life) >= LIFE_SETTLED)
        return; /* others are late */
    log_error(w->log, "stuck", LOG_TEXT("waits_for", waits_for(w)),
              LOG_U64("connections", w->conns_n), LOG_U64("commands", calls_in_hand(w)),
              LOG_U64("reads", w->feeds.reads_n));
    w->server->ops->stuck(w->server, w);
}

/* What is done when each limit is over, and how long the next one is: 0, there is none. */
static const struct {
    void (*run)(struct worker *w);
    uint64_t next_ms;
} limits[] = {
    {drain_give_up, DROP_AFTER_MS},
    {drop_all, STUCK_AFTER_MS},
    {say_stuck, 0},
};

static void limit_due(struct wheel_timer *t)
{
    struct drain *d = CONTAINER_OF(t, struct drain, limit);
    struct worker *w = d->worker;
    unsigned i = MIN(d->over_n, (unsigned)COUNTOF(limits) - 1); /* the last one may come again */

    assert(lifecycle_at(&w->life) >= LIFE_CLOSING);
    d->over_n = i + 1;
    limits[i].run(w);
    if (limits[i].next_ms > 0)
        wheel_set(&w->wheel, t, worker_now_ms(w) + limits[i].next_ms);
}

void drain_begin(struct worker *w)
{
    assert(!wheel_armed(&w->drain->limit));
    lifecycle_go(&w->life, LIFE_CLOSING);
    wheel_cancel(&w->wheel, &w->move->tick);
    end_all(w);
    owner_settle(&w->owner);
    w->drain->worker = w;
    w->drain->limit.fire = limit_due;
    wheel_set(&w->wheel, &w->drain->limit, worker_now_ms(w) + GIVE_UP_AFTER_MS);
}

static bool is_idle(const struct worker *w)
{
    if (w->index == 0 && (!accept_closed(w->server) || is_asking(w->server)))
        return false;
    return w->conns_n == 0 && list_empty(&w->requests) && !owner_busy(&w->owner) &&
           w->feeds.reads_n == 0 && w->people.seen.writing_n == 0;
}

void drain_turn(struct worker *w)
{
    enum lifecycle_phase at = lifecycle_at(&w->life);

    assert(at >= LIFE_CLOSING);
    if (at >= LIFE_SETTLED || !is_idle(w))
        return;
    if (at == LIFE_CLOSING) {
        lifecycle_go(&w->life, LIFE_SAVING);
        owner_settle(&w->owner); /* what the last connections left in memory */
        return;
    }
    lifecycle_go(&w->life, LIFE_SETTLED);
    w->server->ops->settled(w->server, w);
}

void drain_again(struct worker *w)
{
    lifecycle_go(&w->life, LIFE_CLOSING);
    end_all(w);                         /* what another worker gave this one when it had settled */
    if (!wheel_armed(&w->drain->limit)) /* it is over already */
        wheel_set(&w->wheel, &w->drain->limit, worker_now_ms(w) + AGAIN_MS);
}
