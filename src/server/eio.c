#include "server/eio.h"

#include "base/str.h"
#include "server/door_http.h"
#include "server/door_ws.h"
#include "server/server.h"
#include "server/worker.h"

#include <stdlib.h>

#define OPEN_MAX 512
#define PROBE_MS 10000
/* No more casts wait for a GET: bytes, with all else that does. */
#define CASTS_MAX 4096
/* A GET that was sent with the end of its session may come behind it. */
#define CLOSING_MS 1000

struct eio {
    struct map_node node; /* of the worker's, while requests may name it */
    struct conn *conn;
    struct conn *poll;  /* the GET that waits; NULL: none */
    struct conn *probe; /* a WebSocket that would take over; NULL: none */
    const struct eio_user *user;
    void *state;     /* the user's */
    uint64_t due_ms; /* the next ping; or by when it must have been answered */
    struct eio_sid sid;
    uint8_t family, ip[16]; /* who opened it */
    bool listed, websocket;
    bool awaiting; /* a pong */
    bool probed;   /* the probe has proven itself: no GET is to wait */
    bool local;    /* it was opened from this machine */
    bool closing;  /* it is over; a GET or an upgrade that is told so may still come */
};

/* A WebSocket on probation. */
struct eio_probe {
    struct conn *session; /* NULL: it is gone */
    struct buf rest;      /* what came behind the upgrade */
    bool upgrades;
};

static const struct door door_polled, door_websocket, door_probe;

static struct eio *eio_of(const struct conn *c)
{
    assert(c->door == &door_polled || c->door == &door_websocket);
    return c->own;
}

bool eio_is(const struct conn *c)
{
    return c->door == &door_polled || c->door == &door_websocket;
}

void **eio_state(struct conn *c)
{
    return &eio_of(c)->state;
}

bool eio_is_local(const struct conn *c)
{
    return eio_of(c)->local;
}

static uint64_t now_ms(const struct conn *c)
{
    return worker_now_ms(c->worker);
}

static uint64_t hash_of(const uint8_t id[static EIO_ID_LEN])
{
    uint64_t hash;

    memcpy(&hash, id, sizeof(hash)); /* it is random, and ours */
    return hash;
}

static bool eio_eq(const struct map_node *node, const void *key)
{
    return memcmp(CONTAINER_OF((struct map_node *)(uintptr_t)node, struct eio, node)->sid.id, key,
                  EIO_ID_LEN) == 0;
}

static void unlist(struct eio *e)
{
    if (!e->listed)
        return;
    e->listed = false;
    map_remove(&e->conn->worker->sessions, &e->node);
}

/* Sending. */

void eio_head(struct conn *c, struct buf *out, size_t n)
{
    uint8_t header[WS_HEADER_MAX];

    if (eio_of(c)->websocket)
        buf_append(out,
                   (struct str){header, ws_encode_header(header, WS_OP_TEXT, WS_FIN, n + 1, NULL)});
    else if (buf_len(out) > 0)
        buf_append_byte(out, ENGINEIO_SEPARATOR);
    buf_append_byte(out, '0' + ENGINEIO_MESSAGE);
}

void eio_append_frame(struct buf *out, const struct engineio_packet *p)
{
    uint8_t header[WS_HEADER_MAX];
    size_t n = p->data.n + (p->binary ? 0 : 1);

    n = ws_encode_header(header, p->binary ? WS_OP_BINARY : WS_OP_TEXT, WS_FIN, n, NULL);
    buf_append(out, (struct str){header, n});
    if (!p->binary)
        buf_append_byte(out, (uint8_t)('0' + p->type));
    buf_append(out, p->data);
}

static void send_packet(struct conn *c, const struct engineio_packet *p)
{
    struct buf *out = conn_out(c);

    if (out == NULL)
        return;
    if (eio_of(c)->websocket)
        eio_append_frame(out, p);
    else
        engineio_append_record(out, p);
    conn_sent(c);
}

void eio_send(struct conn *c, struct str data, bool binary)
{
    send_packet(
        c, &(struct engineio_packet){.type = ENGINEIO_MESSAGE, .binary = binary, .data = data});
}

bool eio_is_websocket(const struct conn *c)
{
    return eio_of(c)->websocket;
}

bool eio_writable(const struct conn *c)
{
    const struct eio *e = eio_of(c);

    return c->state == CONN_OPEN && (e->websocket ? c->flight == NULL : e->poll != NULL);
}

bool eio_takes_casts(const struct conn *c)
{
    return eio_writable(c) || (c->state == CONN_OPEN && !eio_of(c)->websocket &&
                               (c->out == NULL || buf_len(c->out) < CASTS_MAX));
}

/* Answering requests. */

static struct conn *take_poll(struct eio *e)
{
    struct conn *h = e->poll;

    e->poll = NULL;
    if (h != NULL)
        h->http->session = NULL;
    return h;
}

static void answer_poll(struct eio *e, struct str body)
{
    struct conn *h = take_poll(e);

    if (h != NULL)
        eio_answer(h, &(struct eio_answer){.kind = EIO_PACKETS, .body = body});
}

static void polled_flush(struct conn *c)
{
    struct eio *e = eio_of(c);

    if (c->state != CONN_OPEN || e->poll == NULL || e->closing)
        return;
    if (e->user->fill != NULL)
        (void)e->user->fill(c);
    if (c->state != CONN_OPEN)
        return;
    if (c->out == NULL || buf_len(c->out) == 0) {
        if (e->probed)
            answer_poll(e, STR("6"));
        return;
    }
    answer_poll(e, buf_peek(c->out));
    buf_clear(c->out);
    conn_trim(c);
    c->paused = false;
    if (!list_empty(&c->behind))
        conn_mark(c);
}

/* Opening. */

static void set_timer(struct conn *c)
{
    struct eio *e = eio_of(c);
    uint64_t at;

    if (c->state != CONN_OPEN || c->leaving || e->closing)
        return;
    at = e->user->due != NULL ? e->user->due(c) : UINT64_MAX;
    if (c->state == CONN_OPEN && !e->closing)
        conn_timer(c, MIN(at, e->due_ms));
}

void eio_renewed(struct conn *c)
{
    if (c->state == CONN_OPEN && !c->leaving && !eio_of(c)->closing)
        conn_timer(c, now_ms(c));
}

/* h: whose request opens it. */
static void session_new(struct conn *c, const struct conn *h, const struct eio_user *user,
                        bool websocket)
{
    struct io_addr from = door_http_client(h);
    struct eio *e = calloc(1, sizeof(*e));

    if (e == NULL)
        abort();
    e->conn = c;
    e->user = user;
    e->websocket = websocket;
    e->due_ms = now_ms(c) + c->worker->server->conf->sio_ping_interval_ms;
    e->local = h->http->loopback;
    e->family = (uint8_t)from.family;
    memcpy(e->ip, from.ip, sizeof(e->ip));
    e->sid.node = bus_self(c->worker->server->o.bus);
    e->sid.worker = c->worker->index;
    io_random(c->worker->io, e->sid.id, sizeof(e->sid.id));
    c->own = e;
    metrics_add(c->worker->metrics, METRIC_open_sio, 1);
    metrics_add(c->worker->metrics, METRIC_connections_sio, 1);
}

static void send_open(struct conn *c)
{
    const struct conf *conf = c->worker->server->conf;
    struct eio *e = eio_of(c);
    char sid[EIO_SID_LEN];
    struct buf body CLEANUP(buf_fini);

    buf_init(&body, OPEN_MAX);
    eio_sid_write(&e->sid, sid);
    engineio_append_open(&body,
                         &(struct engineio_open){.sid = {(const uint8_t *)sid, sizeof(sid)},
                                                 .upgrades = !e->websocket,
                                                 .ping_interval_ms = conf->sio_ping_interval_ms,
                                                 .ping_timeout_ms = conf->sio_ping_timeout_ms,
                                                 .max_payload = conf->sio_max_payload});
    send_packet(c, &(struct engineio_packet){.type = ENGINEIO_OPEN, .data = buf_peek(&body)});
    if (e->user->opened != NULL)
        e->user->opened(c);
    set_timer(c);
}

struct conn *eio_open(struct conn *h, const struct eio_user *user)
{
    struct conn *c = conn_make(h->worker, &door_polled);
    struct eio *e;

    session_new(c, h, user, false);
    e = eio_of(c);
    e->listed = true;
    map_add(&c->worker->sessions, &e->node, hash_of(e->sid.id));
    e->poll = h;
    h->http->session = c;
    send_open(c);
    polled_flush(c);
    return c;
}

void eio_begin(struct conn *c, const struct eio_user *user)
{
    c->door = &door_websocket;
    ws_decoder_init(&c->ws, WS_SERVER, false);
    session_new(c, c, user, true);
    send_open(c);
}

struct conn *eio_find(struct worker *w, const uint8_t id[static EIO_ID_LEN])
{
    struct map_node *node = map_find(&w->sessions, hash_of(id), eio_eq, id);
    struct eio *e = node != NULL ? CONTAINER_OF(node, struct eio, node) : NULL;

    if (e == NULL)
        return NULL;
    if (e->awaiting && worker_now_ms(w) >= e->due_ms) { /* its timer is about to say so */
        eio_end(e->conn, METRIC_close_dead);
        return NULL;
    }
    return e->conn;
}

/* Packets. */

static void close_probe(struct eio *e)
{
    struct conn *p = e->probe;

    if (p == NULL)
        return;
    e->probe = NULL;
    ((struct eio_probe *)p->own)->session = NULL;
    conn_finish(p, METRIC_close_client);
}

static void end_websocket(struct conn *c, enum metric why)
{
    uint8_t frame[WS_CONTROL_MAX];

    if (conn_send(
            c, (struct str){frame, ws_encode_close(frame, WS_CLOSE_NORMAL, (struct str){0}, NULL)}))
        conn_finish(c, why);
}

/* Is somebody to be told who is not there just now? */
static bool waits_to_tell(const struct conn *c, enum metric why)
{
    return eio_of(c)->poll == NULL && !c->worker->draining && why != METRIC_close_protocol &&
           why != METRIC_close_dead;
}

/* It is over, and last is what is said of it: at once to a GET that waits, else to what
 * comes: a client that is changing its transport hears nothing in between. */
static void end_polled(struct conn *c, enum engineio_type last, enum metric why)
{
    struct eio *e = eio_of(c);

    send_packet(c, &(struct engineio_packet){.type = last});
    if (c->state != CONN_OPEN)
        return;
    if (waits_to_tell(c, why)) {
        e->closing = true;
        c->reason = why;
        conn_timer(c, now_ms(c) + CLOSING_MS);
        return;
    }
    answer_poll(e, buf_peek(c->out));
    conn_drop(c, why);
}

void eio_end(struct conn *c, enum metric why)
{
    if (c->state != CONN_OPEN || eio_of(c)->closing)
        return;
    if (eio_of(c)->websocket)
        end_websocket(c, why);
    else
        end_polled(c, ENGINEIO_CLOSE, why);
}

/* The client has said that it closes. */
static void client_closes(struct conn *c)
{
    if (eio_of(c)->websocket)
        end_websocket(c, METRIC_close_client);
    else
        end_polled(c, ENGINEIO_NOOP, METRIC_close_client);
}

static void take_packet(struct conn *c, const struct engineio_packet *p)
{
    struct eio *e = eio_of(c);

    switch (p->type) {
    case ENGINEIO_MESSAGE:
        e->user->message(c, p->data, p->binary);
        break;
    case ENGINEIO_PONG:
        if (!e->awaiting)
            break;
        e->awaiting = false;
        e->due_ms = now_ms(c) + c->worker->server->conf->sio_ping_interval_ms;
        set_timer(c);
        break;
    case ENGINEIO_CLOSE:
        client_closes(c);
        break;
    case ENGINEIO_PING: /* it is the server that pings */
        eio_end(c, METRIC_close_protocol);
        break;
    case ENGINEIO_OPEN:
    case ENGINEIO_UPGRADE:
    case ENGINEIO_NOOP:
        break;
    }
}

static void timeout(struct conn *c)
{
    const struct conf *conf = c->worker->server->conf;
    struct eio *e = eio_of(c);

    if (e->closing) {
        conn_drop(c, c->reason);
        return;
    }
    if (now_ms(c) >= e->due_ms) {
        if (e->awaiting) {
            eio_end(c, METRIC_close_dead);
            return;
        }
        e->awaiting = true;
        /* As the handshake says; but if we are late, the client has half of it. */
        e->due_ms =
            MAX(e->due_ms + conf->sio_ping_timeout_ms, now_ms(c) + conf->sio_ping_timeout_ms / 2);
        send_packet(c, &(struct engineio_packet){.type = ENGINEIO_PING});
    }
    set_timer(c);
}

/* Polling. */

void eio_poll(struct conn *c, struct conn *h)
{
    struct eio *e = eio_of(c);

    if (e->poll != NULL) { /* one at a time */
        eio_answer_error(h, ENGINEIO_BAD_REQUEST);
        eio_end(c, METRIC_close_protocol);
        return;
    }
    e->poll = h;
    h->http->session = c;
    if (e->closing) {
        answer_poll(e, buf_peek(c->out));
        conn_drop(c, c->reason);
        return;
    }
    polled_flush(c);
    if (e->poll != h)
        return;
    h->paused = true;
    conn_resume(h); /* so that its end is noticed */
}

void eio_poll_release(struct conn *h)
{
    if (h->http->session != NULL)
        answer_poll(eio_of(h->http->session), STR("6"));
}

void eio_poll_lost(struct conn *h)
{
    struct conn *c = h->http->session;

    (void)take_poll(eio_of(c));
    conn_drop(c, METRIC_close_gone);
}

void eio_post(struct conn *c, struct conn *h)
{
    struct buf *body = &h->http->body;
    enum engineio_next next = ENGINEIO_END;
    struct engineio_packet p;
    size_t at = 0;

    if (eio_of(c)->closing) {
        eio_answer_error(h, ENGINEIO_UNKNOWN_SID);
        return;
    }
    while (c->state == CONN_OPEN && !eio_of(c)->closing) {
        next = engineio_next(body->bytes + body->rpos, buf_len(body), &at, &p);
        if (next != ENGINEIO_PACKET)
            break;
        take_packet(c, &p);
    }
    if (next != ENGINEIO_BAD) {
        eio_answer(h, &(struct eio_answer){.kind = EIO_TAKEN});
        return;
    }
    eio_answer_error(h, ENGINEIO_BAD_REQUEST);
    eio_end(c, METRIC_close_protocol);
}

static void closed(struct conn *c)
{
    struct eio *e = eio_of(c);
    struct conn *h = take_poll(e);

    if (h != NULL)
        eio_answer_error(h, ENGINEIO_UNKNOWN_SID);
    unlist(e);
    close_probe(e);
    if (e->user->closed != NULL)
        e->user->closed(c);
    ws_decoder_fini(&c->ws);
    metrics_sub(c->worker->metrics, METRIC_open_sio, 1);
    metrics_add(c->worker->metrics, c->reason != 0 ? c->reason : METRIC_close_gone, 1);
    c->own = NULL;
    free(e);
}

/* WebSocket. */

static void take_message(struct conn *c, const struct ws_message *m)
{
    struct engineio_packet p;

    if (engineio_decode(m->payload, m->opcode == WS_OP_BINARY, &p))
        take_packet(c, &p);
    else
        eio_end(c, METRIC_close_protocol);
}

static void websocket_received(struct conn *c, uint8_t *p, size_t n)
{
    door_ws_read(c, &c->worker->sio_rules, p, n, take_message);
}

static void websocket_drained(struct conn *c)
{
    if (eio_of(c)->user->waits != NULL && eio_of(c)->user->waits(c))
        conn_mark(c);
}

static bool websocket_fill(struct conn *c)
{
    const struct eio_user *user = eio_of(c)->user;

    return user->fill != NULL && user->fill(c);
}

/* The probe (section "Upgrade" of the protocol text). */

static void begin_probe(struct conn *probe, struct conn *session)
{
    struct eio_probe *p = calloc(1, sizeof(*p));

    if (p == NULL)
        abort();
    p->session = session;
    buf_init(&p->rest, IO_RECV_MAX);
    probe->own = p;
    probe->door = &door_probe;
    ws_decoder_init(&probe->ws, WS_SERVER, false);
    conn_timer(probe, now_ms(probe) + PROBE_MS);
}

void eio_probe(struct conn *c, struct conn *probe)
{
    begin_probe(probe, c);
    eio_of(c)->probe = probe;
}

void eio_turn_away(struct conn *c)
{
    begin_probe(c, NULL);
    end_websocket(c, METRIC_close_protocol);
}

bool eio_may_probe(const struct conn *c)
{
    return !eio_of(c)->closing && eio_of(c)->probe == NULL;
}

void eio_probed(struct conn *c, bool yes)
{
    eio_of(c)->probed = yes;
    conn_mark(c);
}

/* What waited for a GET goes as frames. */
static void reframe(struct conn *c)
{
    struct buf *records = c->out;
    struct engineio_packet p;
    size_t at = 0;

    c->out = NULL;
    if (records == NULL)
        return;
    while (buf_len(records) > 0 && engineio_next(records->bytes + records->rpos, buf_len(records),
                                                 &at, &p) == ENGINEIO_PACKET)
        send_packet(c, &p);
    buf_fini(records);
    free(records);
}

/* The session takes the probe's socket. Nothing is on its way there. */
static void upgrade(struct conn *probe)
{
    struct eio_probe *p = probe->own;
    struct conn *c = p->session;
    struct buf rest CLEANUP(buf_fini) = p->rest;
    struct eio *e = eio_of(c);

    buf_init(&p->rest, 0);
    p->session = NULL;
    e->probe = NULL;
    e->websocket = true;
    c->door = &door_websocket;
    c->ws = probe->ws;
    ws_decoder_init(&probe->ws, WS_SERVER, false);
    conn_take_socket(c, probe);
    conn_drop(probe, METRIC_close_client);
    reframe(c);
    if (c->state != CONN_OPEN)
        return;
    if (e->closing) {
        end_websocket(c, c->reason);
        return;
    }
    conn_mark(c);
    if (buf_len(&rest) > 0)
        websocket_received(c, rest.bytes + rest.rpos, buf_len(&rest));
}

static void answer_probe(struct conn *probe)
{
    struct eio_probe *p = probe->own;
    struct buf *out = conn_out(probe);

    eio_append_frame(out, &(struct engineio_packet){.type = ENGINEIO_PONG, .data = STR("probe")});
    conn_sent(probe);
    eio_probed(p->session, true);
}

/* Its last bytes leave first, but no request is the session's any more. */
static void begin_upgrade(struct eio_probe *p)
{
    struct eio *e = eio_of(p->session);
    struct conn *h = take_poll(e);

    p->upgrades = true;
    unlist(e);
    if (h != NULL)
        eio_answer_error(h, ENGINEIO_BAD_REQUEST);
}

static void detach(struct conn *probe)
{
    struct eio_probe *p = probe->own;
    struct conn *c = p->session;

    if (c == NULL)
        return;
    eio_of(c)->probe = NULL;
    eio_of(c)->probed = false;
    p->session = NULL;
    if (p->upgrades) /* nobody can ask for it */
        conn_drop(c, METRIC_close_gone);
}

static void probe_fail(struct conn *probe, enum metric why)
{
    detach(probe);
    conn_finish(probe, why);
}

static void probe_message(struct conn *probe, const struct ws_message *m)
{
    struct eio_probe *p = probe->own;
    struct engineio_packet packet;

    if (p->session == NULL || !engineio_decode(m->payload, m->opcode == WS_OP_BINARY, &packet))
        probe_fail(probe, METRIC_close_protocol);
    else if (packet.type == ENGINEIO_PING && str_eq(packet.data, STR("probe")))
        answer_probe(probe);
    else if (packet.type == ENGINEIO_UPGRADE && eio_of(p->session)->probed)
        begin_upgrade(p);
    else
        probe_fail(probe, METRIC_close_protocol);
}

/* Frame by frame: what is behind the upgrade is the session's. */
static void probe_received(struct conn *probe, uint8_t *bytes, size_t n)
{
    struct eio_probe *p = probe->own;
    struct ws_message m;
    enum ws_event event = WS_PONG;
    size_t used;

    while (event != WS_MORE && !p->upgrades && probe->state == CONN_OPEN) {
        event = ws_decode(&probe->ws, &probe->worker->sio_rules, bytes, n, &used, &m);
        bytes += used;
        n -= used;
        if (event == WS_MESSAGE)
            probe_message(probe, &m);
        else if (event == WS_CLOSED || event == WS_BAD)
            probe_fail(probe, METRIC_close_protocol);
    }
    if (!p->upgrades || probe->state != CONN_OPEN)
        return;
    buf_append(&p->rest, (struct str){bytes, n});
    if (probe->flight == NULL && probe->out == NULL)
        upgrade(probe);
    else
        probe->paused = true; /* its last bytes leave: probe_drained goes on */
}

static void probe_drained(struct conn *probe)
{
    struct eio_probe *p = probe->own;

    if (p->upgrades && p->session != NULL && !probe->recv.in_flight)
        upgrade(probe);
}

static void probe_timeout(struct conn *probe)
{
    probe_fail(probe, METRIC_close_dead);
}

static void probe_closed(struct conn *probe)
{
    struct eio_probe *p = probe->own;

    detach(probe);
    buf_fini(&p->rest);
    free(p);
    probe->own = NULL;
    ws_decoder_fini(&probe->ws);
}

/* The user's. */

static void event(struct conn *c, struct str event)
{
    if (eio_of(c)->user->event != NULL)
        eio_of(c)->user->event(c, event);
}

static void cast(struct conn *c, struct str event)
{
    if (eio_of(c)->user->cast != NULL)
        eio_of(c)->user->cast(c, event);
}

static void end(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    (void)code;
    (void)reason;
    eio_end(c, why);
}

static struct io_addr peer(const struct conn *c)
{
    const struct eio *e = eio_of(c);
    struct io_addr addr = {.family = e->family};

    memcpy(addr.ip, e->ip, sizeof(addr.ip));
    return addr;
}

static void never_received(struct conn *c, uint8_t *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static const struct door door_polled = {
    .name = "eio-polled",
    .received = never_received,
    .timeout = timeout,
    .closed = closed,
    .event = event,
    .cast = cast,
    .end = end,
    .flush = polled_flush,
    .peer = peer,
};

static const struct door door_websocket = {
    .name = "eio",
    .received = websocket_received,
    .drained = websocket_drained,
    .timeout = timeout,
    .closed = closed,
    .event = event,
    .cast = cast,
    .end = end,
    .fill = websocket_fill,
};

static const struct door door_probe = {
    .name = "eio-probe",
    .received = probe_received,
    .drained = probe_drained,
    .timeout = probe_timeout,
    .closed = probe_closed,
};
