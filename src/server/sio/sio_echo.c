#include "server/sio/sio_echo.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/node/worker.h"
#include "wire/socketio.h"

#include <stdlib.h>

#define ID_BYTES 15
#define TEXT_MAX (64 * 1024 * 1024)
#define AUTH_MS 2

enum { MAIN, CUSTOM, NAMESPACES };

static const struct str namespaces[NAMESPACES] = {
    {(const uint8_t *)"/", 1},
    {(const uint8_t *)"/custom", 7},
};

/* What a session keeps; the answer that waits for attachments. */
struct echo {
    struct conn *conn;
    struct wheel_timer soon;
    struct buf auth[NAMESPACES]; /* "auth" is emitted soon, or with the next packet */
    bool connected[NAMESPACES];
    bool answers; /* the event that waits for attachments has an answer */
    unsigned missing;
    struct buf text;
    struct buf attachments[SOCKETIO_ATTACHMENTS_MAX];
    unsigned attachments_n;
};

static void send_back(struct conn *c, struct str data, bool binary)
{
    eio_send(c, data, binary);
}

static struct echo *echo_of(struct conn *c)
{
    return *eio_state(c);
}

static void emit_auth(struct echo *e)
{
    wheel_cancel(&e->conn->worker->wheel, &e->soon);
    for (unsigned i = 0; i < NAMESPACES; i++) {
        if (buf_len(&e->auth[i]) > 0)
            eio_send(e->conn, buf_peek(&e->auth[i]), false);
        buf_clear(&e->auth[i]);
    }
}

static void auth_due(struct wheel_timer *t)
{
    emit_auth(CONTAINER_OF(t, struct echo, soon));
}

static void opened(struct conn *c)
{
    struct echo *e = mem_zeroed(1, sizeof(*e));

    assert(*eio_state(c) == NULL);
    e->conn = c;
    e->soon.fire = auth_due;
    for (unsigned i = 0; i < NAMESPACES; i++)
        buf_init(&e->auth[i], TEXT_MAX);
    buf_init(&e->text, TEXT_MAX);
    for (unsigned i = 0; i < SOCKETIO_ATTACHMENTS_MAX; i++)
        buf_init(&e->attachments[i], TEXT_MAX);
    *eio_state(c) = e;
}

static unsigned sio_echo_find(struct str nsp)
{
    unsigned i = 0;

    while (i < NAMESPACES && !str_eq(nsp, namespaces[i]))
        i++;
    return i;
}

static void reply(struct conn *c, const struct socketio_packet *head, struct str json)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, TEXT_MAX);
    socketio_append_head(&b, head);
    buf_append(&b, json);
    eio_send(c, buf_peek(&b), false);
}

/* "auth" does not come with the answer: a client that awaits one packet and then the
 * next, as the protocol's suite does, would miss what came in the same read. */
static void connect(struct conn *c, const struct socketio_packet *p)
{
    unsigned i = sio_echo_find(p->nsp);
    struct worker *w = c->worker;
    uint8_t id[ID_BYTES];
    struct buf b CLEANUP(buf_fini), *auth;

    if (i == NAMESPACES) {
        reply(c, &(struct socketio_packet){.type = SOCKETIO_CONNECT_ERROR, .nsp = p->nsp},
              STR("{\"message\":\"Invalid namespace\"}"));
        return;
    }
    echo_of(c)->connected[i] = true;
    buf_init(&b, TEXT_MAX);
    io_random(w->io, id, sizeof(id));
    buf_append(&b, STR("{\"sid\":\""));
    base64_append(&b, BASE64_URL, (struct str){id, sizeof(id)});
    buf_append(&b, STR("\"}"));
    reply(c, &(struct socketio_packet){.type = SOCKETIO_CONNECT, .nsp = p->nsp}, buf_peek(&b));
    auth = &echo_of(c)->auth[i];
    socketio_append_head(auth, &(struct socketio_packet){.type = SOCKETIO_EVENT, .nsp = p->nsp});
    buf_append(auth, STR("[\"auth\","));
    buf_append(auth, p->data.n > 0 ? p->data : STR("{}"));
    buf_append_byte(auth, ']');
    wheel_set(&w->wheel, &echo_of(c)->soon, worker_now_ms(w) + AUTH_MS);
}

static void sio_echo_answer(struct conn *c)
{
    struct echo *e = echo_of(c);

    assert(e->missing == 0);
    eio_send(c, buf_peek(&e->text), false);
    for (unsigned i = 0; i < e->attachments_n; i++)
        eio_send(c, buf_peek(&e->attachments[i]), true);
}

/* Prepares the answer to an event; false if it has none. */
static bool sio_echo_prepare(struct conn *c, const struct socketio_packet *p)
{
    bool back = str_eq(p->name, STR("\"message\""));
    struct socketio_packet head = {.type =
                                       p->attachments > 0 ? SOCKETIO_BINARY_EVENT : SOCKETIO_EVENT,
                                   .attachments = p->attachments,
                                   .nsp = p->nsp};
    struct buf *text = &echo_of(c)->text;

    buf_clear(text);
    if (!back && (!str_eq(p->name, STR("\"message-with-ack\"")) || !p->has_id))
        return false;
    if (!back) {
        head.type = p->attachments > 0 ? SOCKETIO_BINARY_ACK : SOCKETIO_ACK;
        head.has_id = true;
        head.id = p->id;
    }
    socketio_append_head(text, &head);
    buf_append(text, back ? STR("[\"message-back\"") : STR("["));
    if (back && p->args.n > 0)
        buf_append_byte(text, ',');
    buf_append(text, p->args);
    buf_append_byte(text, ']');
    return true;
}

/* Attachments are kept for an answer only: those of an ack are read and dropped. */
static void take_event(struct conn *c, const struct socketio_packet *p)
{
    struct echo *e = echo_of(c);

    e->answers =
        p->type != SOCKETIO_BINARY_ACK && p->type != SOCKETIO_ACK && sio_echo_prepare(c, p);
    e->missing = p->attachments;
    e->attachments_n = 0;
    if (e->answers && p->attachments == 0)
        sio_echo_answer(c);
}

static void take_attachment(struct conn *c, struct str data)
{
    struct echo *e = echo_of(c);

    assert(e->missing > 0);
    e->missing--;
    if (!e->answers)
        return;
    assert(e->attachments_n < SOCKETIO_ATTACHMENTS_MAX);
    buf_clear(&e->attachments[e->attachments_n]);
    buf_append(&e->attachments[e->attachments_n], data);
    e->attachments_n++;
    if (e->missing == 0)
        sio_echo_answer(c);
}

static void message(struct conn *c, struct str data, bool binary)
{
    struct echo *e = echo_of(c);
    struct socketio_packet p;
    unsigned i;

    emit_auth(e);
    if (binary != (e->missing > 0) ||
        (!binary && (!socketio_decode(data, &c->worker->scratch, &p) || p.problem != JSON_OK))) {
        eio_end(c, METRIC_close_protocol);
        return;
    }
    if (binary) {
        take_attachment(c, data);
        return;
    }
    i = sio_echo_find(p.nsp);
    if (p.type == SOCKETIO_CONNECT)
        connect(c, &p);
    else if (i == NAMESPACES || !e->connected[i] || p.type == SOCKETIO_CONNECT_ERROR)
        eio_end(c, METRIC_close_protocol);
    else if (p.type == SOCKETIO_DISCONNECT)
        e->connected[i] = false;
    else
        take_event(c, &p);
}

static void sio_echo_closed(struct conn *c)
{
    struct echo *e = echo_of(c);

    wheel_cancel(&c->worker->wheel, &e->soon);
    for (unsigned i = 0; i < NAMESPACES; i++)
        buf_fini(&e->auth[i]);
    buf_fini(&e->text);
    for (unsigned i = 0; i < SOCKETIO_ATTACHMENTS_MAX; i++)
        buf_fini(&e->attachments[i]);
    free(e);
}

const struct eio_user sio_echo_raw = {
    .message = send_back,
};

const struct eio_user sio_echo = {
    .opened = opened,
    .message = message,
    .closed = sio_echo_closed,
};
