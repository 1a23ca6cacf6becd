#include "server/conn/move.h"

#include "chat/model/event.h"
#include "server/conn/conn.h"
#include "server/conn/request.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#define TICK_MS 50
#define EVENT_MAX 256
/* However short drain-ms is: who comes to a draining node must be able to leave. */
#define SPAN_MIN_MS 500
/* Who comes while it drains is to go within this. */
#define SOON_MS 2000
/* So long a command in hand may still take when its client is to be closed. */
#define ANSWER_MS 10000

static uint64_t span_ms(const struct worker *w)
{
    return MAX(w->server->conf->drain_ms, (uint64_t)SPAN_MIN_MS);
}

/* When a connection that has not gone is closed. It is known to the second when it was
 * opened: who came late has its whole time, and up to a second more. */
static uint64_t end_of(const struct conn *c)
{
    if (!c->late)
        return c->worker->move->until_ms;
    return ((uint64_t)c->opened_s + 1) * 1000 + span_ms(c->worker);
}

static bool may_leave(const struct conn *c)
{
    return c->door->event != NULL && c->state == CONN_OPEN;
}

static void move_tell(struct conn *c, uint64_t delay_ms)
{
    struct worker *w = c->worker;
    uint64_t now = worker_now_ms(w), end = end_of(c);
    struct buf b CLEANUP(buf_fini);

    assert(may_leave(c));
    c->leaving = true;
    metrics_add(w->metrics, METRIC_moves, 1);
    if (c->door->leave != NULL) {
        c->door->leave(c);
        return;
    }
    buf_init(&b, EVENT_MAX);
    event_move(&b, STR("drain"), delay_ms, MIN(end - MIN(now, end), span_ms(w)));
    c->door->event(c, buf_peek(&b));
}

/* How many are to have been told by now. */
static unsigned due(const struct worker *w, uint64_t now)
{
    uint64_t span = span_ms(w), gone = now - w->move->begun_ms;

    assert(now >= w->move->begun_ms);
    gone = gone > span / 10 ? gone - span / 10 : 0;
    return (unsigned)MIN((uint64_t)w->move->all, gone * w->move->all / (span / 2) + (gone > 0));
}

/* Whom it has looked at goes behind those whom it has not, and behind who comes. */
static void tell_some(struct worker *w, uint64_t now)
{
    unsigned n = due(w, now);

    assert(w->move->told <= w->move->all && n <= w->move->all);
    for (unsigned looks = w->conns_n; looks > 0 && w->move->told < n; looks--) {
        struct list *node = list_pop(&w->conns);
        struct conn *c = CONTAINER_OF(node, struct conn, node);

        list_push(&w->conns, node);
        if (!may_leave(c) || c->leaving)
            continue;
        w->move->told++;
        move_tell(c, 0);
    }
}

/* Its commands are answered first, but for those that do not end. */
static void close_one(struct conn *c, uint64_t now)
{
    assert(may_leave(c) && conn_socket(c) == c);
    if (now < end_of(c) + ANSWER_MS) {
        conn_retire(c);
        return;
    }
    request_give_up(c->worker, c);
    conn_end(c, WS_CLOSE_SERVICE_RESTART, STR("draining"), METRIC_close_draining);
}

static void close_left(struct worker *w, uint64_t now)
{
    for (struct list *n = w->conns.next, *next; n != &w->conns; n = next) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        next = n->next;
        if (may_leave(c) && conn_socket(c) == c && now >= end_of(c))
            close_one(c, now);
    }
}

static void tick(struct wheel_timer *t)
{
    struct move *m = CONTAINER_OF(t, struct move, tick);
    struct worker *w = m->worker;
    uint64_t now = worker_now_ms(w);

    assert(lifecycle_at(&w->life) == LIFE_MOVING);
    tell_some(w, now);
    if (now >= m->until_ms)
        close_left(w, now);
    wheel_set(&w->wheel, t, now + TICK_MS);
}

void move_begin(struct worker *w)
{
    uint64_t now = worker_now_ms(w);

    lifecycle_go(&w->life, LIFE_MOVING);
    *w->move = (struct move){
        .worker = w, .tick.fire = tick, .begun_ms = now, .until_ms = now + span_ms(w)};
    for (struct list *n = w->conns.next; n != &w->conns; n = n->next)
        w->move->all += may_leave(CONTAINER_OF(n, struct conn, node));
    wheel_set(&w->wheel, &w->move->tick, now + TICK_MS);
}

void move_end(struct worker *w)
{
    lifecycle_go(&w->life, LIFE_SERVING);
    wheel_cancel(&w->wheel, &w->move->tick);
    for (struct list *n = w->conns.next; n != &w->conns; n = n->next) {
        struct conn *c = CONTAINER_OF(n, struct conn, node);

        c->leaving = c->late = false;
    }
}

void move_opened(struct conn *c)
{
    struct worker *w = c->worker;
    uint16_t r;

    if (lifecycle_at(&w->life) != LIFE_MOVING)
        return;
    c->late = true;
    io_random(w->io, (uint8_t *)&r, sizeof(r));
    move_tell(c, r % MIN((uint64_t)SOON_MS, span_ms(w) / 4));
}
