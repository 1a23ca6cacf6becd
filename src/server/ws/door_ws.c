#include "server/ws/door_ws.h"

#include "base/str.h"
#include "server/conn/move.h"
#include "server/conn/request.h"
#include "server/conn/session.h"
#include "server/conn/work.h"
#include "server/node/node.h"
#include "server/node/worker.h"

/* Smaller messages gain nothing from being compressed. */
#define DEFLATE_MIN 128
#define LOOK_AGAIN_MS 60000

static void append_message(struct buf *out, struct str payload, uint32_t flags)
{
    uint8_t header[WS_HEADER_MAX];
    size_t n = ws_encode_header(header, WS_OP_TEXT, flags, payload.n, NULL);

    buf_append(out, (struct str){header, n});
    buf_append(out, payload);
}

void door_ws_send(struct conn *c, struct str text)
{
    struct buf *out = conn_out(c);

    if (out == NULL)
        return;
    if (c->window_bits > 0 && text.n >= DEFLATE_MIN) {
        struct str packed = deflate_compress(c->worker->codec, c->window_bits, text);

        append_message(out, packed, WS_FIN | WS_RSV1);
    } else {
        append_message(out, text, WS_FIN);
    }
    conn_sent(c);
}

struct frame *door_ws_encode(const struct feed_event *e)
{
    return ws_text(WS_FIN, e->json);
}

struct frame *door_ws_encode_deflated(const struct feed_event *e)
{
    struct worker *w = CONTAINER_OF(e->feed->set, struct worker, feeds);

    if (e->json.n < DEFLATE_MIN)
        return door_ws_encode(e);
    return ws_text(WS_FIN | WS_RSV1, deflate_compress(w->codec, DEFLATE_WINDOW_MAX, e->json));
}

/* Sends a close frame with that code (none with none), then closes. RFC 6455 5.5.1. */
static void close_with(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    uint8_t frame[WS_CONTROL_MAX];

    if (conn_send(c, (struct str){frame, ws_encode_close(frame, code, reason, NULL)}))
        conn_finish(c, why);
}

static void answer(struct request *r)
{
    struct buf b CLEANUP(buf_fini);

    assert(r->conn != NULL);
    if (r->call.error == ERROR_NONE && r->call.cmd.reply_kind == COMMAND_REPLY_NONE)
        return;
    buf_init(&b, 32 * 1024 * 1024);
    call_answer(&r->call, &b);
    if (!b.failed)
        door_ws_send(r->conn, buf_peek(&b));
}

static void run_message(struct conn *c, const struct ws_message *m)
{
    struct command_limits limits = session_limits(c->worker);
    struct request *r = request_new(c, m->payload, answer);
    struct command_problem problem;

    r->unpacked = m->unpacked;
    if (command_parse(&r->call.cmd, r->bytes, r->n, &limits, &problem))
        session_message(r);
    else
        session_fail(r, problem);
}

static void pong(struct conn *c, struct str payload)
{
    uint8_t frame[WS_CONTROL_MAX];

    (void)conn_send(c, (struct str){frame, ws_encode_control(frame, WS_OP_PONG, payload, NULL)});
}

static void handle(struct conn *c, enum ws_event event, const struct ws_message *m,
                   door_ws_message_f *message)
{
    switch (event) {
    case WS_MESSAGE:
        message(c, m);
        break;
    case WS_PING:
        pong(c, m->payload);
        break;
    case WS_CLOSED:
        close_with(c, m->close_code, (struct str){0},
                   c->leaving ? METRIC_close_moved : METRIC_close_client);
        break;
    case WS_BAD:
        close_with(c, m->close_code, m->payload,
                   m->close_code == WS_CLOSE_TOO_BIG ? METRIC_close_too_big
                                                     : METRIC_close_protocol);
        break;
    case WS_PONG:
    case WS_MORE:
        break;
    }
}

void door_ws_read(struct conn *c, const struct ws_rules *rules, uint8_t *p, size_t n,
                  door_ws_message_f *message)
{
    struct ws_message m;
    enum ws_event event;
    size_t used;

    assert(c->state == CONN_OPEN);
    do {
        if (c->paused) { /* nothing more is run until answers are sent */
            conn_keep(c, (struct str){p, n});
            return;
        }
        if (work_is_over(c)) {
            close_with(c, WS_CLOSE_POLICY, WORK_CLOSE_WHY, METRIC_close_work);
            break;
        }
        event = ws_decode(&c->ws, rules, p, n, &used, &m);
        if (event == WS_MESSAGE && m.unpacked)
            work_unpacked(c, m.payload.n);
        handle(c, event, &m, message);
        p += used;
        n -= used;
    } while (event != WS_MORE && c->state == CONN_OPEN && !c->failed);
}

static void take_message(struct conn *c, const struct ws_message *m)
{
    if (m->opcode == WS_OP_TEXT)
        run_message(c, m);
    else
        close_with(c, WS_CLOSE_UNSUPPORTED, STR("text only"), METRIC_close_protocol);
}

/* Little is unpacked for who is nobody; but what comes behind an auth may be a resume. */
static void received(struct conn *c, uint8_t *p, size_t n)
{
    const struct worker *w = c->worker;
    bool known = c->person != NULL || c->held != NULL;

    door_ws_read(c, known ? &w->rules : &w->first_rules, p, n, take_message);
}

/* Deadlines: those of the session; silence. `deadlines` computes them all from the
 * connection's state, each time; whatever moves one to an earlier time has the timer
 * fire at once (conn_timer). */

enum deadline { HAS_SESSION, IS_DEAD, IS_PINGED, DEADLINES };

/* A client that has stopped reading cannot have read our ping: that is no sign of death,
 * and costs next to nothing. It is given longer before it is taken for one. */
static uint64_t dead_after_ms(const struct conn *c)
{
    uint64_t ms = c->worker->server->conf->dead_after_ms;

    return c->flight != NULL ? ms * DOOR_WS_STOPPED_READING : ms;
}

/* When each has passed, on the worker's clock; UINT64_MAX: never. */
static void deadlines(const struct conn *c, uint64_t ret_at[static DEADLINES])
{
    const struct conf *conf = c->worker->server->conf;

    for (unsigned i = 0; i < DEADLINES; i++)
        ret_at[i] = UINT64_MAX;
    ret_at[HAS_SESSION] = session_due_ms(c);
    if (conf->dead_after_ms > 0)
        ret_at[IS_DEAD] = conn_heard_ms(c) + dead_after_ms(c);
    if (conf->ping_interval_ms > 0 && !c->pinged)
        ret_at[IS_PINGED] = conn_heard_ms(c) + conf->ping_interval_ms;
}

/* At most a minute ahead: the wall clock may have been set, and a client that had stopped
 * reading may read again. */
static void set_timer(struct conn *c)
{
    uint64_t at[DEADLINES], first = worker_now_ms(c->worker) + LOOK_AGAIN_MS;

    deadlines(c, at);
    for (unsigned i = 0; i < DEADLINES; i++)
        first = MIN(first, at[i]);
    conn_timer(c, first);
}

static void send_ping(struct conn *c)
{
    uint8_t frame[WS_CONTROL_MAX];

    assert(!c->pinged);
    c->pinged = true;
    (void)conn_send(
        c, (struct str){frame, ws_encode_control(frame, WS_OP_PING, (struct str){0}, NULL)});
}

static void timeout(struct conn *c)
{
    uint64_t at[DEADLINES], now = worker_now_ms(c->worker);

    deadlines(c, at);
    if (at[IS_DEAD] <= now) {
        conn_drop(c, METRIC_close_dead);
        return;
    }
    session_mind(c);
    if (c->state == CONN_OPEN && at[IS_PINGED] <= now)
        send_ping(c);
    if (c->state == CONN_OPEN)
        set_timer(c);
}

static void renewed(struct conn *c)
{
    conn_timer(c, worker_now_ms(c->worker)); /* its deadlines are others now */
}

static void ws_cast(struct conn *c, struct str event, struct frame *frame)
{
    (void)event;
    conn_cast_frame(c, frame);
}

static void closed(struct conn *c)
{
    ws_decoder_fini(&c->ws);
    metrics_sub(c->worker->metrics, METRIC_open_ws, 1);
    metrics_add(c->worker->metrics, c->reason != 0 ? c->reason : METRIC_close_gone, 1);
}

static const struct door door_ws = {
    .name = "ws",
    .received = received,
    .timeout = timeout,
    .closed = closed,
    .event = door_ws_send,
    .cast = ws_cast,
    .end = close_with,
    .renewed = renewed,
};

void door_ws_begin(struct conn *c, uint8_t window_bits)
{
    assert(c->followers == NULL && window_bits <= DEFLATE_WINDOW_MAX);
    c->door = &door_ws;
    c->opened_s = (uint32_t)(worker_now_ms(c->worker) / 1000);
    c->window_bits = window_bits;
    c->encoding = window_bits == DEFLATE_WINDOW_MAX ? FEED_ws_deflated : FEED_ws;
    ws_decoder_init(&c->ws, WS_SERVER, window_bits > 0);
    metrics_add(c->worker->metrics, METRIC_open_ws, 1);
    metrics_add(c->worker->metrics, METRIC_connections_ws, 1);
    set_timer(c);
    move_opened(c);
}
