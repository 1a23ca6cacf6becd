#include "server/sio_space.h"

#include "base/str.h"
#include "server/own.h"
#include "server/sio.h"
#include "server/sio_cursors.h"
#include "server/worker.h"

#include <stdlib.h>

static const struct door door_space;

struct sio_space *sio_space_first(struct conn *session)
{
    return *eio_state(session);
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
    struct sio_space *s = calloc(1, sizeof(*s));

    if (s == NULL)
        abort();
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

    first->idle_s = now_s(session);
    *eio_state(session) = first;
}

static void space_free(struct sio_space *s)
{
    free(s->nsp);
    free(s);
}

void sio_space_close(struct conn *session)
{
    struct sio_space *first = sio_space_first(session);

    while (first->next != NULL)
        conn_drop(first->next->conn, session->reason);
    space_free(first);
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
    s->nsp = malloc(nsp.n + 2);
    if (s->nsp == NULL)
        abort();
    memcpy(s->nsp, nsp.p, nsp.n);
    memcpy(s->nsp + nsp.n, ",", 2);
}

struct sio_space *sio_space_add(struct conn *session, struct str nsp)
{
    struct sio_space *first = sio_space_first(session), *s = first;
    unsigned n = 1;

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
    struct person *p = c->person;

    while (c->followers != NULL)
        conn_unfollow(c, c->followers);
    if (p == NULL)
        return;
    person_remove(c->worker, c);
    own_gone(c->worker, p);
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

    if (eio_writable(s->session))
        conn_mark(s->session);
}

static void closed(struct conn *c)
{
    struct sio_space *s = c->own, *before = sio_space_first(s->session);

    while (before->next != s)
        before = before->next;
    before->next = s->next;
    c->own = NULL;
    space_free(s);
}

static void event(struct conn *c, struct str json)
{
    sio_event_to(c->own, json);
}

static void cast(struct conn *c, struct str json)
{
    sio_cast(c->own, json);
}

static void end(struct conn *c, uint16_t code, struct str reason, enum metric why)
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

static void received(struct conn *c, uint8_t *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static void timeout(struct conn *c)
{
    (void)c; /* the session looks after it */
}

struct conn *sio_space_socket(struct conn *c)
{
    return c->door == &door_space ? sio_space_of(c)->session : c;
}

void sio_space_renewed(struct conn *c)
{
    if (eio_is(c) || c->door == &door_space)
        eio_renewed(sio_space_of(c)->session);
}

static const struct door door_space = {
    .name = "sio-namespace",
    .received = received,
    .timeout = timeout,
    .closed = closed,
    .event = event,
    .cast = cast,
    .end = end,
    .flush = flush,
    .peer = peer,
};
