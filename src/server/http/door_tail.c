#include "server/http/door_tail.h"

#include "base/str.h"
#include "server/conn/conn.h"
#include "server/conn/person.h"
#include "server/conn/session.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/ws/door_ws.h"

#include <inttypes.h>
#include <stdio.h>

/* What stands before an event's JSON: its id, and a name. */
#define HEAD_MAX 80
/* c->encoding, which is of its own: all take FEED_line. */
#define EVENTS 1u
#define CHUNKED 2u

bool door_tail_id(struct str id, uint64_t *ret_epoch, uint64_t *ret_seq)
{
    struct str rest = id;
    struct str epoch = str_cut(&rest, ':');

    return str_to_u64(epoch, ret_epoch) && str_to_u64(rest, ret_seq) &&
           *ret_epoch <= JSON_INT_MAX && *ret_seq <= JSON_INT_MAX;
}

static bool is_events(const struct conn *c)
{
    return (c->encoding & EVENTS) != 0;
}

static bool is_chunked(const struct conn *c)
{
    return (c->encoding & CHUNKED) != 0;
}

struct frame *door_tail_encode(const struct feed_event *e)
{
    struct frame *f = frame_new(e->json.n + 1);

    memcpy(f->bytes, e->json.p, e->json.n);
    f->bytes[e->json.n] = '\n';
    return f;
}

/* Appends head, body and tail; in a chunk of their own if the answer is in chunks: RFC 9112 7.1. */
static void put_piece(const struct conn *c, struct buf *out, struct str head, struct str body,
                      struct str tail)
{
    size_t n = head.n + body.n + tail.n;

    assert(n > 0);
    if (is_chunked(c))
        buf_printf(out, "%zx\r\n", n);
    buf_append(out, head);
    buf_append(out, body);
    buf_append(out, tail);
    if (is_chunked(c))
        buf_append(out, STR("\r\n"));
}

/* f: whose entry the event is, which its cursor is at; NULL: it is none. */
static void put_event(const struct conn *c, struct buf *out, const struct follower *f,
                      struct str json)
{
    char head[HEAD_MAX] = "data: ";

    if (!is_events(c)) {
        put_piece(c, out, (struct str){0}, json, STR("\n"));
        return;
    }
    if (f != NULL)
        (void)snprintf(head, sizeof(head), "id: %" PRIu64 ":%" PRIu64 "\ndata: ", f->feed->epoch,
                       (uint64_t)f->cursor);
    put_piece(c, out, str_of(head), json, STR("\n\n"));
}

static void tail_event(struct conn *c, struct str json)
{
    struct buf *out = conn_out(c);

    if (out == NULL)
        return;
    put_event(c, out, NULL, json);
    conn_sent(c);
}

static void tail_cast(struct conn *c, struct str json, struct frame *frame)
{
    (void)c;
    (void)json;
    (void)frame;
}

/* Entries of one follower, until out has max bytes. False if it may see no more. */
static bool take_entries(struct conn *c, struct follower *f, struct buf *out, size_t max)
{
    enum feed_taken taken = FEED_RUN;
    size_t pulled = 0;

    assert(c->person != NULL);
    while (buf_len(out) < max) {
        size_t before = buf_len(out);
        bool pulls = f->pulls;
        struct frame *line;

        taken = feed_take(f, FEED_line, 0, &line);
        if (taken != FEED_RUN)
            break;
        put_event(c, out, f, (struct str){line->bytes, line->n - 1});
        pulled += pulls ? buf_len(out) - before : 0;
        frame_unref(line);
        metrics_add(c->worker->metrics, METRIC_deliveries, 1);
    }
    if (pulled > 0)
        person_served(c->worker, c->person, pulled);
    if (taken == FEED_RUN && feed_behind(f))
        list_push(&c->behind, &f->work);
    return taken != FEED_END;
}

static void tail_end(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    (void)code;
    (void)reason;
    if (!is_chunked(c) || conn_send(c, STR("0\r\n\r\n")))
        conn_finish(c, why);
}

static bool tail_fill(struct conn *c)
{
    uint64_t turn = c->worker->server->conf->flush_turn_max;
    struct buf *out;
    bool ended = false;
    size_t max;

    assert(c->followers_n <= 1);
    if (list_empty(&c->behind) || worker_is_unproven(c->worker))
        return true;
    out = conn_out(c);
    max = turn > 0 ? buf_len(out) + turn : SIZE_MAX;
    while (!ended && !list_empty(&c->behind) && buf_len(out) < max) {
        struct follower *f = CONTAINER_OF(list_pop(&c->behind), struct follower, work);

        ended = !take_entries(c, f, out, max);
    }
    if (out->failed)
        conn_fail(c, METRIC_close_memory);
    else if (ended)
        tail_end(c, 0, (struct str){0}, METRIC_close_rights);
    return true;
}

/* What the client sends means nothing any more. */
static void tail_received(struct conn *c, uint8_t *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static void set_timer(struct conn *c)
{
    uint64_t ping = c->worker->server->conf->ping_interval_ms, due = session_due_ms(c);

    conn_timer(c, ping > 0 ? MIN(worker_now_ms(c->worker) + ping, due) : due);
}

/* A client that has stopped reading is sent no pings, and is not waited for for ever. */
static void ping(struct conn *c)
{
    uint64_t now = worker_now_ms(c->worker);
    uint64_t dead_after_ms = c->worker->server->conf->dead_after_ms * DOOR_WS_STOPPED_READING;
    struct buf *out;

    assert(c->state == CONN_OPEN);
    if (c->flight == NULL) {
        c->heard_ms = (uint32_t)now;
        out = conn_out(c);
        if (out == NULL)
            return;
        put_piece(c, out, is_events(c) ? STR(":\n") : (struct str){0}, (struct str){0}, STR("\n"));
        conn_sent(c);
    } else if (dead_after_ms > 0 && now - conn_heard_ms(c) > dead_after_ms) {
        conn_drop(c, METRIC_close_dead);
    }
}

static void tail_timeout(struct conn *c)
{
    if (session_look(c, NULL) == SESSION_EXPIRED) {
        tail_end(c, 0, (struct str){0}, METRIC_close_revoked);
        return;
    }
    ping(c);
    if (c->state == CONN_OPEN)
        set_timer(c);
}

static void tail_closed(struct conn *c)
{
    metrics_sub(c->worker->metrics, METRIC_open_tail, 1);
    metrics_add(c->worker->metrics, c->reason != 0 ? c->reason : METRIC_close_gone, 1);
}

static const struct door door_tail = {
    .name = "tail",
    .one_room = true,
    .received = tail_received,
    .timeout = tail_timeout,
    .closed = tail_closed,
    .event = tail_event,
    .cast = tail_cast,
    .end = tail_end,
    .fill = tail_fill,
};

void door_tail_begin(struct conn *c, enum door_tail_form form, bool chunked)
{
    assert(c->person != NULL);
    c->door = &door_tail;
    c->encoding = (form == DOOR_TAIL_EVENTS ? EVENTS : 0) | (chunked ? CHUNKED : 0);
    c->opened_s = (uint32_t)(worker_now_ms(c->worker) / 1000);
    c->heard_ms = (uint32_t)worker_now_ms(c->worker);
    c->told = true; /* a stream has no way to be told that it expires */
    metrics_add(c->worker->metrics, METRIC_open_tail, 1);
    metrics_add(c->worker->metrics, METRIC_connections_tail, 1);
    set_timer(c);
}
