#include "server/sio/eio.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/conn/origin.h"
#include "server/conn/seen.h"
#include "server/conn/work.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/eio_probe.h"
#include "server/ws/door_ws.h"

#include <stdlib.h>

#define OPEN_MAX 512
/* No more casts wait for a GET: bytes, with all else that does. */
#define CASTS_MAX 4096
/* A GET that was sent before its client closed the session may come behind that; and at most how
 * long a client is waited for that is to be told of the end. */
enum { CLOSING_MS = 1000, TOLD_MAX_MS = 30000 };

struct eio {
    struct map_node node; /* of the worker's, while requests may name it */
    struct conn *conn;
    struct exchange *poll; /* the GET that waits; NULL: none */
    struct exchange *post; /* the POST that waits until its packets are taken; NULL: none */
    struct conn *probe;    /* a WebSocket that would take over; NULL: none */
    const struct eio_user *user;
    void *state;     /* the user's */
    uint64_t due_ms; /* the next ping; by when it must be answered; or, closing, the end */
    struct eio_sid sid;
    uint8_t family, ip[16]; /* who opened it */
    bool listed, websocket;
    bool awaiting; /* a pong */
    bool probed;   /* the probe has proven itself: no GET is to wait */
    bool local;    /* it was opened from this machine */
    bool closing;  /* it is over; a GET or an upgrade that is told so may still come */
};

static const struct door door_polled, door_websocket;
static const struct exchange_wait exchange_wait_eio;

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

static uint64_t eio_now_ms(const struct conn *c)
{
    return worker_now_ms(c->worker);
}

static uint64_t eio_hash_of(const uint8_t id[static EIO_ID_LEN])
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

/* mask: NULL, or a client's. */
static void append_frame(struct buf *out, const struct engineio_packet *p, const uint8_t mask[4])
{
    uint8_t header[WS_HEADER_MAX];
    size_t n = p->data.n + (p->binary ? 0 : 1);

    n = ws_encode_header(header, p->binary ? WS_OP_BINARY : WS_OP_TEXT, WS_FIN, n, mask);
    buf_append(out, (struct str){header, n});
    if (!p->binary)
        buf_append_byte(out, (uint8_t)('0' + p->type));
    buf_append(out, p->data);
}

void eio_append_frame(struct buf *out, const struct engineio_packet *p)
{
    append_frame(out, p, NULL);
}

static void send_packet(struct conn *c, const struct engineio_packet *p)
{
    const struct eio *e = eio_of(c);
    struct buf *out = e->closing && !e->websocket ? NULL : conn_out(c);

    if (out == NULL) /* or its last words were said */
        return;
    if (e->websocket)
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

/* Neither is the session's any more: who takes one answers it. */
static struct exchange *eio_take(struct exchange **at)
{
    struct exchange *x = *at;

    assert(x == NULL || x->wait == &exchange_wait_eio);
    *at = NULL;
    if (x != NULL)
        exchange_wait_end(x);
    return x;
}

static void answer_poll(struct eio *e, struct str body)
{
    struct exchange *x = eio_take(&e->poll);

    if (x != NULL)
        eio_answer(x, &(struct eio_answer){.kind = EIO_PACKETS, .body = body});
}

static void answer_post(struct eio *e)
{
    struct exchange *x = eio_take(&e->post);

    if (x != NULL)
        eio_answer(x, &(struct eio_answer){.kind = EIO_TAKEN});
}

static void polled_flush(struct conn *c)
{
    struct eio *e = eio_of(c);

    assert(!e->websocket);
    if (c->state != CONN_OPEN || c->failed || e->poll == NULL || e->closing)
        return;
    if (e->user->fill != NULL)
        (void)e->user->fill(c);
    if (c->failed)
        return;
    if (c->out == NULL || buf_len(c->out) == 0) {
        if (e->probed)
            answer_poll(e, STR("6"));
        return;
    }
    answer_poll(e, buf_peek(c->out));
    buf_clear(c->out);
    conn_trim(c);
    conn_count(c);
    if (c->paused || !list_empty(&c->behind))
        conn_mark(c);
}

/* The end of a turn in which something was to be sent, or the client has read. */
static void polled_turn(struct conn *c)
{
    polled_flush(c);
    if (c->state == CONN_OPEN && c->paused && c->out == NULL)
        conn_resume(c);
}

/* Opening. */

static void eio_set_timer(struct conn *c)
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
        conn_timer(c, eio_now_ms(c));
}

/* x: the request that opens it. */
static struct eio *session_new(struct conn *c, const struct exchange *x,
                               const struct eio_user *user, bool websocket)
{
    struct io_addr from = origin_client(x);
    struct eio *e = mem_zeroed(1, sizeof(*e));

    assert(c->own == NULL && c->state == CONN_OPEN);
    *e = (struct eio){.conn = c, .user = user, .websocket = websocket, .local = x->local};
    e->due_ms = eio_now_ms(c) + c->worker->server->conf->sio_ping_interval_ms;
    e->family = (uint8_t)from.family;
    memcpy(e->ip, from.ip, sizeof(e->ip));
    e->sid.node = bus_self(c->worker->server->o.bus);
    e->sid.worker = c->worker->index;
    io_random(c->worker->io, e->sid.id, sizeof(e->sid.id));
    c->own = e;
    metrics_add(c->worker->metrics, METRIC_open_sio, 1);
    metrics_add(c->worker->metrics, METRIC_connections_sio, 1);
    return e;
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
    eio_set_timer(c);
}

struct conn *eio_open(struct exchange *x, const struct eio_user *user)
{
    struct conn *c = conn_make(x->worker, &door_polled);
    struct eio *e = session_new(c, x, user, false);

    seen_come(c, x);
    e->listed = true;
    map_add(&c->worker->sessions, &e->node, eio_hash_of(e->sid.id));
    e->poll = x;
    exchange_wait_begin(x, &exchange_wait_eio, c);
    send_open(c);
    polled_flush(c);
    return c;
}

void eio_begin(struct conn *c, const struct exchange *x, const struct eio_user *user)
{
    c->door = &door_websocket;
    ws_decoder_init(&c->ws, WS_SERVER, false);
    (void)session_new(c, x, user, true);
    send_open(c);
}

struct conn *eio_find(struct worker *w, const uint8_t id[static EIO_ID_LEN])
{
    struct map_node *node = map_find(&w->sessions, eio_hash_of(id), eio_eq, id);
    struct eio *e = node != NULL ? CONTAINER_OF(node, struct eio, node) : NULL;

    if (e == NULL)
        return NULL;
    assert(e->listed && !e->websocket);
    if (e->awaiting && worker_now_ms(w) >= e->due_ms) { /* its timer is about to say so */
        eio_end(e->conn, METRIC_close_dead);
        return NULL;
    }
    return e->conn;
}

/* Packets. */

void eio_close_websocket(struct conn *c, enum metric why)
{
    uint8_t frame[WS_CONTROL_MAX];

    if (conn_send(
            c, (struct str){frame, ws_encode_close(frame, WS_CLOSE_NORMAL, (struct str){0}, NULL)}))
        conn_finish(c, why);
}

/* Is somebody to be told who is not there just now? */
static bool waits_to_tell(const struct conn *c, enum metric why)
{
    return eio_of(c)->poll == NULL && lifecycle_at(&c->worker->life) < LIFE_CLOSING &&
           why != METRIC_close_protocol && why != METRIC_close_dead;
}

/* The session ends within ms, and sooner if its client asks and is told. */
static void end_within(struct conn *c, uint64_t ms)
{
    struct eio *e = eio_of(c);

    e->due_ms = MIN(e->closing ? e->due_ms : UINT64_MAX, eio_now_ms(c) + ms);
    e->closing = true;
    e->awaiting = false;
    conn_timer(c, e->due_ms);
}

/* It is over, and last is what is said of it: at once to a GET that waits, else to what
 * comes: a client that is changing its transport hears nothing in between. */
static void end_polled(struct conn *c, enum engineio_type last, enum metric why)
{
    uint64_t told_ms = c->worker->server->conf->sio_ping_timeout_ms; /* asking is like a pong */
    struct eio *e = eio_of(c);

    assert(!e->websocket);
    answer_post(e);
    send_packet(c, &(struct engineio_packet){.type = last});
    if (c->failed) {
        conn_drop(c, why);
        return;
    }
    if (waits_to_tell(c, why)) {
        c->reason = why;
        told_ms = MAX(MIN(told_ms, (uint64_t)TOLD_MAX_MS), (uint64_t)CLOSING_MS);
        end_within(c, last == ENGINEIO_CLOSE ? told_ms : CLOSING_MS);
        if (e->user->ended != NULL)
            e->user->ended(c);
        return;
    }
    answer_poll(e, buf_peek(c->out));
    conn_drop(c, why);
}

void eio_end(struct conn *c, enum metric why)
{
    if (c->state != CONN_OPEN)
        return;
    if (eio_of(c)->closing && lifecycle_at(&c->worker->life) >= LIFE_CLOSING)
        end_within(c, CLOSING_MS);
    else if (eio_of(c)->closing)
        return;
    else if (eio_of(c)->websocket)
        eio_close_websocket(c, why);
    else
        end_polled(c, ENGINEIO_CLOSE, why);
}

/* The client has said that it closes. */
static void client_closes(struct conn *c)
{
    if (eio_of(c)->websocket)
        eio_close_websocket(c, METRIC_close_client);
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
        e->due_ms = eio_now_ms(c) + c->worker->server->conf->sio_ping_interval_ms;
        eio_set_timer(c);
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

static void eio_timeout(struct conn *c)
{
    const struct conf *conf = c->worker->server->conf;
    struct eio *e = eio_of(c);

    if (e->closing) {
        conn_drop(c, c->reason);
        return;
    }
    if (eio_now_ms(c) >= e->due_ms) {
        if (e->awaiting) {
            eio_end(c, METRIC_close_dead);
            return;
        }
        e->awaiting = true;
        /* As the handshake says; but if we are late, the client has half of it. */
        e->due_ms = MAX(e->due_ms + conf->sio_ping_timeout_ms,
                        eio_now_ms(c) + conf->sio_ping_timeout_ms / 2);
        send_packet(c, &(struct engineio_packet){.type = ENGINEIO_PING});
    }
    eio_set_timer(c);
}

/* Polling. */

/* One request of a kind at a time. */
static void refuse_second(struct conn *c, struct exchange *x)
{
    eio_answer_error(x, ENGINEIO_BAD_REQUEST);
    eio_end(c, METRIC_close_protocol);
}

void eio_poll(struct conn *c, struct exchange *x)
{
    struct eio *e = eio_of(c);

    assert(e->listed && !e->websocket);
    if (e->poll != NULL) {
        refuse_second(c, x);
        return;
    }
    e->poll = x;
    exchange_wait_begin(x, &exchange_wait_eio, c);
    if (e->closing) {
        answer_poll(e, buf_peek(c->out));
        conn_drop(c, c->reason);
        return;
    }
    polled_flush(c);
    if (e->poll == x)
        x->ops->watch(x);
}

void eio_release(struct exchange *x)
{
    struct eio *e;

    if (x->wait != &exchange_wait_eio)
        return;
    e = eio_of(x->waits_for);
    if (e->poll == x)
        answer_poll(e, STR("6"));
    else
        answer_post(e);
}

static void eio_lost(struct exchange *x)
{
    struct conn *c = x->waits_for;

    assert(eio_of(c)->poll == x || eio_of(c)->post == x);
    (void)eio_take(eio_of(c)->poll == x ? &eio_of(c)->poll : &eio_of(c)->post);
    conn_drop(c, METRIC_close_gone);
}

static const struct exchange_wait exchange_wait_eio = {
    .gone = eio_lost,
    .hurry = exchange_ignore, /* its session ends */
    .stayed = exchange_ignore,
};

/* Packets of a POST; those behind what makes too much wait stay until the client has read
 * that. It is answered when all are taken. */
static void polled_received(struct conn *c, uint8_t *p, size_t n)
{
    struct eio *e = eio_of(c);
    enum engineio_next next = ENGINEIO_END;
    struct engineio_packet packet;
    struct exchange *x;
    size_t at = 0;

    assert(!e->websocket);
    do {
        if (c->paused && at < n) {
            conn_keep(c, (struct str){p + at, n - at});
            return;
        }
        if (work_is_over(c)) {
            eio_end(c, METRIC_close_work);
            return;
        }
        next = engineio_next(p, n, &at, &packet);
        if (next == ENGINEIO_PACKET)
            take_packet(c, &packet);
    } while (next == ENGINEIO_PACKET && c->state == CONN_OPEN && !c->failed && !e->closing);
    if (c->state != CONN_OPEN)
        return; /* e is gone, and the POST was answered */
    if (next != ENGINEIO_BAD) {
        answer_post(e);
        return;
    }
    x = eio_take(&e->post);
    if (x != NULL)
        eio_answer_error(x, ENGINEIO_BAD_REQUEST);
    eio_end(c, METRIC_close_protocol);
}

void eio_post(struct conn *c, struct exchange *x)
{
    struct eio *e = eio_of(c);

    assert(e->listed && !e->websocket);
    if (e->closing) {
        eio_answer_error(x, ENGINEIO_UNKNOWN_SID);
        return;
    }
    if (e->post != NULL || c->rest != NULL) {
        refuse_second(c, x);
        return;
    }
    e->post = x;
    exchange_wait_begin(x, &exchange_wait_eio, c);
    conn_feed(c, &x->body);
    if (x->waits_for == c) /* whoever calls this holds it */
        x->ops->watch(x);
}

static void eio_closed(struct conn *c)
{
    struct eio *e = eio_of(c);
    struct exchange *get = eio_take(&e->poll), *post = eio_take(&e->post);

    assert(c->state == CONN_CLOSED);
    if (get != NULL)
        eio_answer_error(get, ENGINEIO_UNKNOWN_SID);
    if (post != NULL)
        eio_answer_error(post, ENGINEIO_UNKNOWN_SID);
    unlist(e);
    if (e->probe != NULL)
        eio_probe_close(e->probe);
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
    assert(eio_of(c)->websocket);
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

/* Upgrading: of the session (server/sio/eio_probe.h is the other side). */

bool eio_may_probe(const struct conn *c)
{
    return !eio_of(c)->closing && eio_of(c)->probe == NULL;
}

void eio_probing(struct conn *c, struct conn *probe)
{
    assert(eio_may_probe(c) && probe->own != NULL);
    eio_of(c)->probe = probe;
}

void eio_probed(struct conn *c, bool yes)
{
    assert(!eio_of(c)->websocket);
    eio_of(c)->probed = yes;
    if (yes) /* it waits for this answer before it upgrades; the rest is taken for all that */
        answer_post(eio_of(c));
    conn_mark(c);
}

bool eio_is_probed(const struct conn *c)
{
    return eio_of(c)->probed;
}

void eio_stop_polling(struct conn *c)
{
    struct eio *e = eio_of(c);
    struct exchange *x = eio_take(&e->poll);

    assert(e->probed && e->probe != NULL);
    unlist(e);
    if (x != NULL)
        eio_answer_error(x, ENGINEIO_BAD_REQUEST);
}

/* What waited for a GET goes as frames. */
static void reframe(struct conn *c)
{
    struct buf *records = c->out;
    struct engineio_packet p;
    size_t at = 0;

    assert(eio_of(c)->websocket);
    c->out = NULL;
    if (records == NULL)
        return;
    while (buf_len(records) > 0 && engineio_next(records->bytes + records->rpos, buf_len(records),
                                                 &at, &p) == ENGINEIO_PACKET)
        send_packet(c, &p);
    buf_fini(records);
    free(records);
}

/* What is left of a POST comes as frames, before those of the WebSocket; false if it is
 * no good. */
static bool reframe_rest(struct conn *c, struct buf *frames)
{
    static const uint8_t mask[4]; /* changes nothing */
    struct buf *records = c->rest;
    enum engineio_next next = ENGINEIO_END;
    struct engineio_packet p;
    size_t at = 0;

    assert(!eio_of(c)->websocket);
    c->rest = NULL;
    if (records == NULL)
        return true;
    while ((next = engineio_next(records->bytes + records->rpos, buf_len(records), &at, &p)) ==
           ENGINEIO_PACKET)
        append_frame(frames, &p, mask);
    buf_fini(records);
    free(records);
    return next == ENGINEIO_END;
}

void eio_upgrade(struct conn *c, struct conn *probe, struct str rest)
{
    struct eio *e = eio_of(c);
    struct buf frames;
    bool good;

    assert(e->probe == probe && !e->websocket && !e->listed && e->poll == NULL);
    buf_init(&frames, SIZE_MAX / 2);
    good = reframe_rest(c, &frames);
    buf_append(&frames, rest);
    e->probe = NULL;
    e->websocket = true;
    c->door = &door_websocket;
    c->ws = probe->ws;
    ws_decoder_init(&probe->ws, WS_SERVER, false);
    conn_take_socket(c, probe);
    conn_drop(probe, METRIC_close_client);
    reframe(c);
    if (e->closing || !good) {
        buf_fini(&frames);
        eio_close_websocket(c, e->closing ? c->reason : METRIC_close_protocol);
        return;
    }
    conn_mark(c);
    if (buf_len(&frames) > 0)
        conn_feed(c, &frames);
}

void eio_left(struct conn *c, bool upgraded)
{
    assert(eio_of(c)->probe != NULL);
    eio_of(c)->probe = NULL;
    eio_of(c)->probed = false;
    if (upgraded) /* nobody can ask for it */
        conn_drop(c, METRIC_close_gone);
}

/* The user's. */

static void event(struct conn *c, struct str event)
{
    if (eio_of(c)->user->event != NULL)
        eio_of(c)->user->event(c, event);
}

static void eio_cast(struct conn *c, struct str event, struct frame *frame)
{
    (void)frame;
    if (eio_of(c)->user->cast != NULL)
        eio_of(c)->user->cast(c, event);
}

static void eio_door_end(struct conn *c, uint16_t code, struct str reason, enum metric why)
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

static bool is_busy(struct conn *c)
{
    const struct eio_user *user = eio_of(c)->user;

    return user->is_busy != NULL && user->is_busy(c);
}

static const struct door door_polled = {
    .name = "eio-polled",
    .received = polled_received,
    .timeout = eio_timeout,
    .closed = eio_closed,
    .event = event,
    .cast = eio_cast,
    .end = eio_door_end,
    .renewed = eio_renewed,
    .is_busy = is_busy,
    .flush = polled_turn,
    .peer = peer,
};

static const struct door door_websocket = {
    .name = "eio",
    .received = websocket_received,
    .drained = websocket_drained,
    .timeout = eio_timeout,
    .closed = eio_closed,
    .event = event,
    .cast = eio_cast,
    .end = eio_door_end,
    .renewed = eio_renewed,
    .is_busy = is_busy,
    .fill = websocket_fill,
};
