#include "server/gw/door_gw.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "io/addr.h"
#include "server/conn/move.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/gw/gw_give.h"
#include "server/gw/gw_keep.h"
#include "server/gw/gw_order.h"
#include "server/gw/gw_outlet.h"
#include "server/gw/gw_post.h"
#include "server/gw/gw_wait.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_AGAIN_MS 60000
#define EVENT_MAX 4096
/* So much later than API Gateway ends a connection it is taken for gone: $disconnect may never
 * come. */
#define SLACK_MS 60000

static const struct door door_gw;

void door_gw_init(struct worker *w, struct gw_outlet *outlet)
{
    assert(w->gw == NULL);
    w->gw = mem_zeroed(1, sizeof(*w->gw));
    map_init(&w->gw->conns);
    map_init(&w->gw->seeks);
    map_init(&w->gw->ways);
    if (outlet != NULL)
        w->gw->poster = outlet->open(outlet, w->io);
}

void door_gw_fini(struct worker *w, struct gw_outlet *outlet)
{
    if (w->gw == NULL)
        return;
    assert(map_n(&w->gw->conns) == 0);
    if (w->gw->poster != NULL)
        outlet->close(outlet, w->gw->poster);
    map_fini(&w->gw->conns);
    map_fini(&w->gw->seeks);
    free(w->gw);
    w->gw = NULL;
}

/* Connections by their ids. */

static bool door_gw_eq(const struct map_node *node, const void *key)
{
    const struct gw_conn *g =
        CONTAINER_OF((struct map_node *)(uintptr_t)node, struct gw_conn, node);

    return str_eq((struct str){(const uint8_t *)g->id, g->id_n}, *(const struct str *)key);
}

static uint64_t door_gw_hash(const struct worker *w, struct str id)
{
    return siphash(w->server->hash_key, id);
}

struct conn *door_gw_find(struct worker *w, struct str id)
{
    struct map_node *n = map_find(&w->gw->conns, door_gw_hash(w, id), door_gw_eq, &id);

    return n != NULL ? CONTAINER_OF(n, struct gw_conn, node)->conn : NULL;
}

unsigned door_gw_worker(const struct worker *w, struct str id)
{
    return (unsigned)(door_gw_hash(w, id) % w->server->workers_n);
}

static void read_peer(struct gw_conn *g, struct str source)
{
    if (!addr_parse_ip(source, &g->peer))
        g->peer = (struct io_addr){0};
}

/* Deadlines: as of a WebSocket (server/ws/door_ws.c), and those of API Gateway. */

static uint64_t log_in_ms(const struct conn *c)
{
    uint64_t ms = c->worker->server->conf->auth_timeout_ms;

    return c->person == NULL && ms > 0 ? gw_conn_of(c)->began_ms + ms : UINT64_MAX;
}

/* Nothing came or went for longer than API Gateway allows, or it is too old. */
static uint64_t gone_ms(const struct conn *c)
{
    const struct gw_conn *g = gw_conn_of(c);
    uint64_t last = MAX(conn_heard_ms(c), g->posted_ms);

    return MIN(last + GW_IDLE_MS, g->since_ms + GW_LIFE_MS) + SLACK_MS;
}

static void door_gw_set_timer(struct conn *c)
{
    const struct gw_conn *g = gw_conn_of(c);
    uint64_t at = MIN(worker_now_ms(c->worker) + LOOK_AGAIN_MS, MIN(log_in_ms(c), gone_ms(c)));

    at = MIN(at, MIN(session_due_ms(c), gw_wait_due_ms(g)));
    at = MIN(at, MIN(gw_keep_due_ms(c), gw_give_due_ms(c)));
    at = MIN(at, gw_order_due_ms(g));
    if (g->again_ms > 0 && !g->giving)
        at = MIN(at, g->again_ms);
    conn_timer(c, at);
}

static void door_gw_timeout(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);
    uint64_t now = worker_now_ms(c->worker);

    assert(c->state == CONN_OPEN);
    if (gone_ms(c) <= now) {
        conn_drop(c, METRIC_close_dead);
        return;
    }
    gw_order_look(c);
    if (c->state == CONN_OPEN)
        gw_wait_look(c);
    if (c->state == CONN_OPEN && log_in_ms(c) <= now)
        conn_end(c, CONN_END_TOO_LATE, STR("log in first"), METRIC_close_unauthenticated);
    if (c->state == CONN_OPEN && c->person != NULL)
        session_mind(c);
    if (c->state == CONN_OPEN)
        gw_keep_look(c);
    if ((g->again_ms > 0 && g->again_ms <= now) || gw_give_due_ms(c) <= now)
        conn_mark(c);
    if (c->state == CONN_OPEN)
        door_gw_set_timer(c);
}

/* The door. */

static void door_gw_received(struct conn *c, uint8_t *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static void door_gw_event(struct conn *c, struct str json)
{
    if (conn_send(c, json))
        (void)conn_send(c, STR("\n"));
}

/* A cast goes with what is sent next, and does not wait for long. */
static void door_gw_cast(struct conn *c, struct str json, struct frame *bytes)
{
    const struct gw_conn *g = gw_conn_of(c);

    (void)bytes;
    if (c->state != CONN_OPEN || g->posting || g->again_ms > 0 || c->paused ||
        worker_is_unproven(c->worker)) {
        metrics_add(c->worker->metrics, METRIC_casts_dropped, 1);
        return;
    }
    metrics_add(c->worker->metrics, METRIC_casts, 1);
    door_gw_event(c, json);
}

static void door_gw_end(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    struct buf b CLEANUP(buf_fini);

    if (c->state != CONN_OPEN)
        return;
    if (why == METRIC_close_draining) { /* the client's socket stays */
        gw_keep_give_up(c);
        conn_drop(c, why);
        return;
    }
    buf_init(&b, EVENT_MAX);
    event_closing(&b, code, reason);
    door_gw_event(c, buf_peek(&b));
    gw_conn_of(c)->parting = true;
    conn_finish(c, why);
}

static void door_gw_renewed(struct conn *c)
{
    conn_timer(c, worker_now_ms(c->worker)); /* its deadlines are others now */
    conn_mark(c);                            /* and what waited for it may go on */
}

static void door_gw_flush(struct conn *c)
{
    gw_wait_run(c);
    gw_keep_look(c);
    if (c->state == CONN_OPEN || c->state == CONN_FLUSHING)
        gw_post_flush(c);
    gw_give_look(c);
}

static struct io_addr door_gw_peer(const struct conn *c)
{
    return gw_conn_of(c)->peer;
}

static uint64_t door_gw_lifetime(const struct conn *c)
{
    uint64_t end = gw_conn_of(c)->since_ms + GW_LIFE_MS, now = worker_now_ms(c->worker);

    return end > now ? end - now : 1;
}

static size_t door_gw_kept(const struct conn *c)
{
    const struct gw_conn *g = gw_conn_of(c);

    return g != NULL ? g->frame.cap + g->body.cap : 0;
}

/* API Gateway is to end it, unless it has done so, or another node has it. */
static bool is_to_delete(const struct conn *c)
{
    return c->reason != METRIC_close_gone && c->reason != METRIC_close_client &&
           c->reason != METRIC_close_dead && c->reason != METRIC_close_draining &&
           c->reason != METRIC_close_moved;
}

static void door_gw_closed(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);

    assert(g != NULL && c->state == CONN_CLOSED);
    map_remove(&c->worker->gw->conns, &g->node);
    if (g->opening != NULL)
        session_fail(g->opening, (struct command_problem){.code = ERROR_unauthenticated});
    g->opening = NULL;
    gw_order_end(c);
    gw_wait_end(c);
    gw_give_end(c);
    gw_keep_end(c);
    /* Who took too much memory was told nothing, and comes again. */
    g->parting = (g->parting || c->reason == METRIC_close_memory) && is_to_delete(c);
    metrics_sub(c->worker->metrics, METRIC_open_gw, 1);
    metrics_add(c->worker->metrics, c->reason != 0 ? c->reason : METRIC_close_gone, 1);
    if (g->posting) /* gw_post.c goes on */
        return;
    if (g->parting)
        gw_post_delete(g);
    else
        gw_conn_free(g);
}

static const struct door door_gw = {
    .name = "gateway",
    .received = door_gw_received,
    .timeout = door_gw_timeout,
    .closed = door_gw_closed,
    .event = door_gw_event,
    .cast = door_gw_cast,
    .end = door_gw_end,
    .leave = gw_give_begin,
    .renewed = door_gw_renewed,
    .flush = door_gw_flush,
    .peer = door_gw_peer,
    .lifetime_ms = door_gw_lifetime,
    .kept = door_gw_kept,
};

struct conn *door_gw_open(struct worker *w, const struct gw_event *e)
{
    struct conn *c = conn_make(w, &door_gw);
    struct gw_conn *g = mem_zeroed(1, sizeof(*g));
    uint64_t now = worker_now_ms(w), wall = worker_wall_ms(w);

    assert(e->id.n > 0 && e->id.n <= KEYS_CONN_MAX && door_gw_find(w, e->id) == NULL);
    g->conn = c;
    g->base = str_dup(e->base);
    g->source = str_dup(e->source);
    g->keep.due_ms = UINT64_MAX;
    g->id_n = (uint8_t)e->id.n;
    memcpy(g->id, e->id.p, e->id.n);
    read_peer(g, e->source);
    g->since_ms = g->began_ms = now;
    if (e->connected_ms > 0 && e->connected_ms < wall)
        g->since_ms = now - MIN(now, MIN(wall - e->connected_ms, (uint64_t)GW_LIFE_MS));
    g->posted_ms = now;
    c->own = g;
    c->encoding = FEED_line;
    map_add(&w->gw->conns, &g->node, door_gw_hash(w, e->id));
    metrics_add(w->metrics, METRIC_open_gw, 1);
    metrics_add(w->metrics, METRIC_connections_gw, 1);
    door_gw_set_timer(c);
    move_opened(c);
    return c;
}

void door_gw_heard(struct conn *c)
{
    assert(gw_conn_of(c) != NULL);
    c->heard_ms = (uint32_t)worker_now_ms(c->worker);
}
