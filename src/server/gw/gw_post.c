#include "server/gw/gw_post.h"

#include "base/str.h"
#include "server/conn/person.h"
#include "server/gw/gw_keep.h"
#include "server/gw/gw_outlet.h"
#include "server/node/alarms.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdio.h>
#include <stdlib.h>

/* No event is longer: API Gateway takes 128 KB, and a run of entries about what was asked for. */
#define FRAME_BOUND ((size_t)4 * 1024 * 1024)
#define AGAIN_MIN_MS 100
#define AGAIN_MAX_MS 5000
#define FORBIDDEN_MS 10000
/* Before $connect has returned, and for a moment after, a POST may be answered by 410. */
#define EARLY_MS 10000

static uint64_t now_of(const struct gw_conn *g)
{
    return worker_now_ms(g->conn->worker);
}

/* Gathering. */

static bool takes_more(const struct gw_conn *g)
{
    return g->events_n == 0 || (g->array && buf_len(&g->frame) < GW_FRAME_MAX);
}

/* Events that are for this connection alone. */
static void take_lines(struct gw_conn *g)
{
    struct buf *out = g->conn->out;

    while (out != NULL && buf_len(out) > 0 && takes_more(g)) {
        struct str rest = buf_peek(out), line = str_cut(&rest, '\n');

        if (g->events_n > 0 && buf_len(&g->frame) + line.n >= GW_FRAME_MAX)
            return;
        buf_append(&g->frame, (struct str){line.p, line.n + 1});
        buf_consume(out, line.n + 1);
        g->events_n++;
    }
    conn_trim(g->conn);
}

static void add_run(struct gw_conn *g, struct frame *run)
{
    buf_append(&g->frame, frame_str(run));
    for (size_t i = 0; i < run->n; i++)
        g->events_n += run->bytes[i] == '\n';
    frame_unref(run);
}

/* What the cursors allow, rotating over the rooms. */
static void gw_take_runs(struct gw_conn *g)
{
    struct conn *c = g->conn;
    struct conn_taken taken = {0};

    assert(c->state == CONN_OPEN);
    while (!list_empty(&c->behind) && takes_more(g)) {
        size_t max = g->array ? GW_FRAME_MAX - buf_len(&g->frame) : 0;
        struct frame *run = conn_take(c, FEED_line, max, &taken);

        if (run != NULL)
            add_run(g, run);
    }
    conn_take_count(c, &taken);
}

/* Posting. */

/* The next events of the frame as they go out: one as it is, several as an array. */
static void compose(struct gw_conn *g)
{
    struct str rest = buf_peek(&g->frame);

    assert(g->part_n > 0 && g->part_n <= g->events_n);
    buf_clear(&g->body);
    if (g->part_n > 1)
        buf_append_byte(&g->body, '[');
    for (unsigned i = 0; i < g->part_n; i++) {
        if (i > 0)
            buf_append_byte(&g->body, ',');
        buf_append(&g->body, str_cut(&rest, '\n'));
    }
    if (g->part_n > 1)
        buf_append_byte(&g->body, ']');
}

static void gw_posted(struct poster_req *req);

static void gw_submit(struct gw_conn *g, bool remove)
{
    struct conn *c = g->conn;

    assert(!g->posting && c->worker->gw->poster != NULL);
    g->posting = true;
    g->deleting = remove;
    c->calls_n++;
    g->post = (struct poster_req){.base = str_of(g->base),
                                  .id = {(const uint8_t *)g->id, g->id_n},
                                  .body = remove ? (struct str){0} : buf_peek(&g->body),
                                  .ends = remove,
                                  .done = gw_posted};
    poster_post(c->worker->gw->poster, &g->post);
}

/* The events that were posted are no more to be. */
static void forget_part(struct gw_conn *g)
{
    struct str rest = buf_peek(&g->frame);

    for (unsigned i = 0; i < g->part_n; i++)
        (void)str_cut(&rest, '\n');
    buf_consume(&g->frame, buf_len(&g->frame) - rest.n);
    g->events_n -= g->part_n;
    g->part_n = 0;
    g->tries = 0;
    if (g->events_n == 0) {
        buf_fini(&g->frame);
        buf_fini(&g->body);
    }
}

/* The same again, later. */
static void wait_ms(struct gw_conn *g, uint64_t ms)
{
    struct conn *c = g->conn;

    g->tries++;
    g->again_ms = now_of(g) + ms;
    if (c->state == CONN_OPEN)
        conn_timer(c, now_of(g)); /* its deadlines are others */
}

static uint64_t backoff_ms(struct gw_conn *g)
{
    uint64_t ms = MIN((uint64_t)AGAIN_MIN_MS << MIN(g->tries, 10u), (uint64_t)AGAIN_MAX_MS);
    uint16_t r;

    io_random(g->conn->worker->io, (uint8_t *)&r, sizeof(r));
    return ms / 2 + r % (ms / 2);
}

static void say_forbidden(struct gw_conn *g)
{
    struct worker *w = g->conn->worker;
    char text[ALARM_DETAIL_MAX];
    int n = snprintf(text, sizeof(text), "%.200s: %.60s", g->base,
                     w->server->o.outlet->error(w->gw->poster));

    assert(n > 0);
    alarms_raise(w->server->alarms, ALARM_gateway,
                 (struct str){(const uint8_t *)text, MIN((size_t)n, sizeof(text) - 1)});
}

static void too_big(struct gw_conn *g)
{
    struct conn *c = g->conn;

    if (g->part_n > 1) {
        g->part_n = (g->part_n + 1) / 2;
        return;
    }
    log_warn(c->worker->log, "event_dropped", LOG_TEXT("why", "API Gateway takes no longer one"),
             LOG_U64("bytes", buf_len(&g->body)));
    forget_part(g);
}

static void gw_count(const struct gw_conn *g, enum metric id)
{
    metrics_add(g->conn->worker->metrics, id, 1);
}

static void take_status(struct gw_conn *g, unsigned status)
{
    struct conn *c = g->conn;

    if (status >= 200 && status < 300) {
        gw_count(g, METRIC_gw_posts_ok);
        metrics_add(c->worker->metrics, METRIC_bytes_out, buf_len(&g->body));
        g->posted_ms = now_of(g);
        gw_keep_shown(c);
        forget_part(g);
    } else if (status == 410) {
        gw_count(g, METRIC_gw_posts_gone);
        if (now_of(g) < g->since_ms + EARLY_MS)
            wait_ms(g, backoff_ms(g));
        else
            conn_drop(c, METRIC_close_gone);
    } else if (status == 413) {
        gw_count(g, METRIC_gw_posts_big);
        too_big(g);
    } else if (status == 429) {
        gw_count(g, METRIC_gw_posts_throttled);
        wait_ms(g, backoff_ms(g));
    } else if (status == 403) {
        gw_count(g, METRIC_gw_posts_forbidden);
        say_forbidden(g);
        wait_ms(g, FORBIDDEN_MS);
    } else {
        gw_count(g, METRIC_gw_posts_failed);
        wait_ms(g, backoff_ms(g));
    }
}

static void gw_posted(struct poster_req *req)
{
    struct gw_conn *g = CONTAINER_OF(req, struct gw_conn, post);
    struct conn *c = g->conn;
    bool deleted = g->deleting;

    assert(g->posting && c->calls_n > 0);
    if (deleted)
        g->parting = false;
    if (!deleted && c->state != CONN_CLOSED)
        take_status(g, req->ret_status);
    if (c->state == CONN_FLUSHING && g->tries > 0)
        forget_part(g); /* there is no time to try again */
    if (c->state == CONN_FLUSHING && deleted)
        conn_drop(c, c->reason);
    g->posting = g->deleting = false; /* from here on a closed connection has nobody else */
    if (c->state != CONN_CLOSED) {
        conn_count(c);
        conn_mark(c);
    } else if (g->parting) {
        gw_post_delete(g);
    } else {
        gw_conn_free(g);
    }
    conn_release(c);
}

void gw_post_delete(struct gw_conn *g)
{
    gw_submit(g, true);
}

/* Nothing is left to be said. */
static void flushed(struct gw_conn *g)
{
    struct conn *c = g->conn;

    if (c->state == CONN_OPEN && gw_keep_due_ms(c) < c->timer.at_ms)
        conn_timer(c, gw_keep_due_ms(c)); /* now it can be kept */
    if (c->state == CONN_FLUSHING && g->parting)
        gw_submit(g, true);
    else if (c->state == CONN_FLUSHING)
        conn_drop(c, c->reason);
    else if (c->stalled || (c->paused && c->out == NULL))
        conn_resume(c);
}

void gw_post_flush(struct conn *c)
{
    struct gw_conn *g = gw_conn_of(c);

    if (g->posting || g->giving || (g->again_ms > now_of(g) && c->state == CONN_OPEN))
        return;
    g->again_ms = 0;
    if (g->events_n == 0) {
        buf_init(&g->frame, FRAME_BOUND);
        buf_init(&g->body, FRAME_BOUND);
        take_lines(g);
        if (c->state == CONN_OPEN && !worker_is_unproven(c->worker))
            gw_take_runs(g);
    }
    if (g->frame.failed) {
        conn_fail(c, METRIC_close_memory);
        return;
    }
    if (g->events_n == 0) {
        flushed(g);
        return;
    }
    if (g->part_n == 0)
        g->part_n = g->events_n;
    compose(g);
    gw_submit(g, false);
    conn_count(c);
}
