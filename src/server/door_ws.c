#include "server/door_ws.h"

#include "base/str.h"
#include "chat/event.h"
#include "server/request.h"
#include "server/server.h"
#include "server/session.h"
#include "server/worker.h"

/* Smaller messages gain nothing from being compressed. */
#define DEFLATE_MIN 128
/* As many times longer is silence borne of a client that has stopped reading. */
#define STOPPED_READING 10
#define EXPIRING_MS 60000
#define EVENT_MAX 4096

static const struct door door_ws;

bool door_ws_is(const struct conn *c)
{
    return c->door == &door_ws;
}

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

struct frame *door_ws_encode(struct feed_set *s, unsigned encoding, struct frame *event)
{
    struct worker *w = CONTAINER_OF(s, struct worker, feeds);
    uint8_t header[WS_HEADER_MAX];
    struct str payload = frame_str(event);
    uint32_t flags = WS_FIN;
    struct frame *f;
    size_t n;

    if (encoding == DOOR_WS_DEFLATED && payload.n >= DEFLATE_MIN) {
        payload = deflate_compress(w->codec, DEFLATE_WINDOW_MAX, payload);
        flags |= WS_RSV1;
    }
    n = ws_encode_header(header, WS_OP_TEXT, flags, payload.n, NULL);
    f = frame_new(n + payload.n);
    memcpy(f->bytes, header, n);
    memcpy(f->bytes + n, payload.p, payload.n);
    return f;
}

/* Sends a close frame with that code (none with none), then closes. RFC 6455 5.5.1. */
static void close_with(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    uint8_t frame[WS_CONTROL_MAX];

    if (conn_send(c, (struct str){frame, ws_encode_close(frame, code, reason, NULL)}))
        conn_finish(c, why);
}

void door_ws_close(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    if (c->door->end != NULL)
        c->door->end(c, code, reason, why);
    else
        conn_finish(c, why);
}

static void answer(struct request *r)
{
    struct buf b CLEANUP(buf_fini);

    if (r->call.error == ERROR_NONE && r->call.cmd.reply_kind == COMMAND_REPLY_NONE)
        return;
    buf_init(&b, 32 * 1024 * 1024);
    call_answer(&r->call, &b);
    if (!b.failed)
        door_ws_send(r->conn, buf_peek(&b));
}

static void run_message(struct conn *c, struct str payload)
{
    const struct conf *conf = c->worker->server->conf;
    struct command_limits limits = session_limits(c->worker);
    struct request *r = request_new(c, payload, answer);
    struct command_problem problem;
    struct caller who = session_who(c);

    if (!command_parse(&r->call.cmd, r->bytes, r->n, &limits, &problem)) {
        session_fail(r, problem);
        return;
    }
    if (conf->commands_in_flight > 0 && c->calls_n - c->children_n > conf->commands_in_flight) {
        session_fail(r, (struct command_problem){.code = ERROR_too_many_commands});
        return;
    }
    request_who(r, &who);
    session_run(r, true);
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

    do {
        event = ws_decode(&c->ws, rules, p, n, &used, &m);
        handle(c, event, &m, message);
        p += used;
        n -= used;
    } while (event != WS_MORE && c->state == CONN_OPEN);
}

static void take_message(struct conn *c, const struct ws_message *m)
{
    if (m->opcode == WS_OP_TEXT)
        run_message(c, m->payload);
    else
        close_with(c, WS_CLOSE_UNSUPPORTED, STR("text only"), METRIC_close_protocol);
}

static void received(struct conn *c, uint8_t *p, size_t n)
{
    door_ws_read(c, &c->worker->rules, p, n, take_message);
}

/* Deadlines, in order: to log in; to be told that the session expires; silence.
 * They are counted in whole seconds, from the second in which something began:
 * they pass up to a second late, never early. */

static uint64_t seconds(uint64_t ms)
{
    return (ms + 999) / 1000;
}

/* When a deadline has passed that began in the second since_s. */
static uint64_t after(uint64_t since_s, uint64_t ms)
{
    return (since_s + seconds(ms) + 1) * 1000;
}

static bool check_session(struct conn *c, uint64_t wall_ms)
{
    uint64_t expires_ms = (uint64_t)c->expires_s * 1000;
    struct buf b CLEANUP(buf_fini);

    if (expires_ms <= wall_ms) {
        door_ws_close(c, DOOR_WS_CLOSE_AUTH, STR("expired"), METRIC_close_revoked);
        return false;
    }
    if (c->told || expires_ms > wall_ms + EXPIRING_MS)
        return true;
    c->told = true;
    buf_init(&b, EVENT_MAX);
    event_expiring(&b, expires_ms);
    door_ws_send(c, buf_peek(&b));
    return c->state == CONN_OPEN;
}

/* Who has stopped reading cannot have read our ping: that is no sign of death, and
 * costs next to nothing. It is given longer before it is taken for one. */
static uint64_t dead_after_ms(const struct conn *c)
{
    uint64_t ms = c->worker->server->conf->dead_after_ms;

    return c->flight != NULL ? ms * STOPPED_READING : ms;
}

static bool check_silence(struct conn *c, uint64_t now_s)
{
    const struct conf *conf = c->worker->server->conf;
    uint64_t silent = now_s - c->heard_s;
    uint8_t frame[WS_CONTROL_MAX];

    if (conf->dead_after_ms > 0 && silent > seconds(dead_after_ms(c))) {
        conn_drop(c, METRIC_close_dead);
        return false;
    }
    if (conf->ping_interval_ms > 0 && silent > seconds(conf->ping_interval_ms) && !c->pinged) {
        c->pinged = true;
        return conn_send(
            c, (struct str){frame, ws_encode_control(frame, WS_OP_PING, (struct str){0}, NULL)});
    }
    return true;
}

static void set_timer(struct conn *c)
{
    const struct conf *conf = c->worker->server->conf;
    uint64_t now = worker_now_ms(c->worker), at = now + 60000;

    if (c->person == NULL && conf->auth_timeout_ms > 0)
        at = MIN(at, after(c->opened_s, conf->auth_timeout_ms));
    if (conf->ping_interval_ms > 0 && !c->pinged)
        at = MIN(at, after(c->heard_s, conf->ping_interval_ms));
    if (conf->dead_after_ms > 0)
        at = MIN(at, after(c->heard_s, dead_after_ms(c)));
    if (c->person != NULL) {
        uint64_t wall = io_wall_ms(c->worker->io), expires = (uint64_t)c->expires_s * 1000;
        uint64_t due = c->told ? expires : expires - MIN(expires, (uint64_t)EXPIRING_MS);

        at = MIN(at, now + (due > wall ? due - wall : 0));
    }
    conn_timer(c, MAX(at, now + 100));
}

static void timeout(struct conn *c)
{
    const struct conf *conf = c->worker->server->conf;
    uint64_t now_s = worker_now_ms(c->worker) / 1000;

    if (c->person == NULL && conf->auth_timeout_ms > 0 &&
        now_s > c->opened_s + seconds(conf->auth_timeout_ms)) {
        door_ws_close(c, DOOR_WS_CLOSE_AUTH, STR("log in first"), METRIC_close_unauthenticated);
        return;
    }
    if (c->person != NULL && !check_session(c, io_wall_ms(c->worker->io)))
        return;
    if (check_silence(c, now_s))
        set_timer(c);
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
    .end = close_with,
};

void door_ws_begin(struct conn *c, uint8_t window_bits)
{
    c->door = &door_ws;
    c->opened_s = (uint32_t)(worker_now_ms(c->worker) / 1000);
    c->window_bits = window_bits;
    c->encoding = window_bits == DEFLATE_WINDOW_MAX ? DOOR_WS_DEFLATED : DOOR_WS_PLAIN;
    ws_decoder_init(&c->ws, WS_SERVER, window_bits > 0);
    metrics_add(c->worker->metrics, METRIC_open_ws, 1);
    metrics_add(c->worker->metrics, METRIC_connections_ws, 1);
    set_timer(c);
    move_opened(c);
}
