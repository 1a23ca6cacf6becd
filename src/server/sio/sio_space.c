#include "server/sio/sio_space.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "server/node/worker.h"
#include "server/sio/sio_cursors.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 64

static const struct door door_space;

struct sio_space *sio_space_first(struct conn *session)
{
    return *eio_state(session);
}

bool sio_space_is_busy(struct conn *session)
{
    for (struct sio_space *s = sio_space_first(session); s != NULL; s = s->next)
        if (s->conn->calls_n > 0)
            return true;
    return false;
}

bool sio_space_is_known(struct conn *session)
{
    for (struct sio_space *s = sio_space_first(session); s != NULL; s = s->next)
        if (s->conn->person != NULL)
            return true;
    return false;
}

struct sio_space *sio_space_of(struct conn *c)
{
    return eio_is(c) ? sio_space_first(c) : c->own;
}

struct str sio_space_prefix(const struct sio_space *s)
{
    return s->nsp != NULL ? str_of(s->nsp) : (struct str){0};
}

static struct sio_space *space_new(struct conn *session, struct conn *c)
{
    struct sio_space *s = mem_zeroed(1, sizeof(*s));

    s->conn = c;
    s->session = session;
    return s;
}

static uint32_t now_s(const struct conn *c)
{
    return (uint32_t)(worker_now_ms(c->worker) / 1000);
}

void sio_space_open(struct conn *session)
{
    struct sio_space *first = space_new(session, session);

    assert(sio_space_first(session) == NULL);
    first->idle_s = now_s(session);
    *eio_state(session) = first;
}

static void space_free(struct sio_space *s)
{
    free(s->nsp);
    free(s);
}

/* All namespaces but the first, whose connection is the session. */
static void drop_others(struct conn *session)
{
    struct sio_space *first = sio_space_first(session);

    assert(first != NULL && first->session == session);
    while (first->next != NULL)
        conn_drop(first->next->conn, session->reason);
}

void sio_space_close(struct conn *session)
{
    drop_others(session);
    space_free(sio_space_first(session));
}

void sio_space_leave_all(struct conn *session)
{
    struct sio_space *first = sio_space_first(session);

    drop_others(session);
    first->connected = first->connecting = false;
    sio_space_forget(first);
}

static bool is_named(const struct sio_space *s, struct str nsp)
{
    struct str ours = sio_space_prefix(s);

    if (ours.n == 0)
        return str_eq(nsp, STR("/"));
    return str_eq(nsp, (struct str){ours.p, ours.n - 1});
}

struct sio_space *sio_space_find(struct conn *session, struct str nsp)
{
    for (struct sio_space *s = sio_space_first(session); s != NULL; s = s->next)
        if ((s->connected || s->connecting) && is_named(s, nsp))
            return s;
    return NULL;
}

static void set_name(struct sio_space *s, struct str nsp)
{
    free(s->nsp);
    s->nsp = NULL;
    if (nsp.n <= 1)
        return;
    s->nsp = mem_bytes(nsp.n + 2);
    memcpy(s->nsp, nsp.p, nsp.n);
    memcpy(s->nsp + nsp.n, ",", 2);
}

struct sio_space *sio_space_add(struct conn *session, struct str nsp)
{
    struct sio_space *first = sio_space_first(session), *s = first;
    unsigned n = 1;

    assert(sio_space_find(session, nsp) == NULL);
    if (first->connected || first->connecting) {
        for (; s->next != NULL; s = s->next)
            n++;
        if (n >= SIO_SPACES_MAX)
            return NULL;
        s->next = space_new(session, conn_make(session->worker, &door_space));
        s = s->next;
        s->conn->own = s;
    }
    set_name(s, nsp);
    return s;
}

void sio_space_send(struct sio_space *s, const struct socketio_packet *head, struct str json)
{
    struct socketio_packet p = *head;
    struct str prefix = sio_space_prefix(s);
    struct buf b CLEANUP(buf_fini);

    p.nsp = prefix.n > 0 ? (struct str){prefix.p, prefix.n - 1} : STR("/");
    buf_init(&b, json.n + 2 * SOCKETIO_NAMESPACE_MAX);
    socketio_append_head(&b, &p);
    buf_append(&b, json);
    eio_send(s->session, buf_peek(&b), false);
}

void sio_space_cursors(struct sio_space *s)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 4 * SIO_CURSORS_MAX);
    buf_append(&b, STR("[\"offset\",\""));
    sio_cursors_all(s->conn, &b);
    buf_append(&b, STR("\"]"));
    sio_space_send(s, &(struct socketio_packet){.type = SOCKETIO_EVENT}, buf_peek(&b));
}

/* An event whose JSON names it; with the cursors of all rooms, or without. */
static void send_event(struct sio_space *s, struct str json, bool cursors)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, json.n + NAME_MAX_BYTES + 4 * SIO_CURSORS_MAX);
    buf_append(&b, STR("[\""));
    buf_append(&b, event_name_of(json));
    buf_append(&b, STR("\","));
    buf_append(&b, json);
    if (cursors) {
        buf_append(&b, STR(",\""));
        sio_cursors_all(s->conn, &b);
        buf_append_byte(&b, '"');
    }
    buf_append_byte(&b, ']');
    sio_space_send(s, &(struct socketio_packet){.type = SOCKETIO_EVENT}, buf_peek(&b));
}

void sio_space_event(struct sio_space *s, struct str json)
{
    if (s->connected)
        send_event(s, json, true);
}

void sio_space_tell(struct sio_space *s, struct str json)
{
    assert(s->connected);
    send_event(s, json, false);
}

void sio_space_cast(struct sio_space *s, struct str json)
{
    struct conn *session = s->session;
    bool fits = s->connected && eio_takes_casts(session);

    metrics_add(session->worker->metrics, fits ? METRIC_casts : METRIC_casts_dropped, 1);
    if (fits)
        send_event(s, json, false);
}

static bool is_last(struct conn *session)
{
    for (struct sio_space *s = sio_space_first(session); s != NULL; s = s->next)
        if (s->connected || s->connecting)
            return false;
    return true;
}

void sio_space_forget(struct sio_space *s)
{
    struct conn *c = s->conn;

    while (c->followers != NULL)
        conn_unfollow(c, c->followers);
    if (c->person != NULL)
        conn_drop_person(c);
}

void sio_space_leave(struct sio_space *s, bool tell)
{
    struct conn *session = s->session, *c = s->conn;

    s->connected = s->connecting = false;
    if (tell && !is_last(session))
        sio_space_send(s, &(struct socketio_packet){.type = SOCKETIO_DISCONNECT}, STR(""));
    if (c == session)
        sio_space_forget(s);
    else
        conn_drop(c, METRIC_close_client);
    if (!is_last(session))
        return;
    if (tell) {
        eio_end(session, METRIC_close_client);
        return;
    }
    sio_space_first(session)->idle_s = now_s(session);
    if (!session->leaving)
        conn_timer(session, worker_now_ms(session->worker)); /* its deadlines are others */
}

/* The connection of another namespace. */

static void flush(struct conn *c)
{
    struct sio_space *s = c->own;

    assert(s->conn == c);
    if (eio_writable(s->session))
        conn_mark(s->session);
}

static void sio_space_closed(struct conn *c)
{
    struct sio_space *s = c->own, *before = sio_space_first(s->session);

    assert(s->conn == c && s->session != c);
    while (before->next != s)
        before = before->next;
    before->next = s->next;
    s->session->large_n = (s->session->large_n - c->large_n) & 15u;
    c->own = NULL;
    space_free(s);
}

static void event(struct conn *c, struct str json)
{
    sio_space_event(c->own, json);
}

static void cast(struct conn *c, struct str json, struct frame *frame)
{
    (void)frame;
    sio_space_cast(c->own, json);
}

static void sio_space_end(struct conn *c, uint16_t code, struct str reason, enum metric why)
{
    (void)code;
    (void)reason;
    (void)why;
    if (!c->leaving) /* else it ends with its session */
        sio_space_leave(c->own, true);
}

static struct io_addr peer(const struct conn *c)
{
    const struct sio_space *s = c->own;

    return conn_peer(s->session);
}

static void sio_space_received(struct conn *c, uint8_t *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static void sio_space_timeout(struct conn *c)
{
    (void)c; /* the session looks after it */
}

static void renewed(struct conn *c)
{
    const struct sio_space *s = c->own;

    eio_renewed(s->session);
}

static struct conn *socket_of(const struct conn *c)
{
    const struct sio_space *s = c->own;

    return s->session;
}

static const struct door door_space = {
    .name = "sio-namespace",
    .received = sio_space_received,
    .timeout = sio_space_timeout,
    .closed = sio_space_closed,
    .event = event,
    .cast = cast,
    .end = sio_space_end,
    .renewed = renewed,
    .socket = socket_of,
    .flush = flush,
    .peer = peer,
};
