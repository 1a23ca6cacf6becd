#include "server/eio_http.h"

#include "base/str.h"
#include "server/door_http.h"
#include "server/eio.h"
#include "server/eio_far.h"
#include "server/http_routes.h"
#include "server/limits.h"
#include "server/server.h"
#include "server/sio.h"
#include "server/sio_echo.h"
#include "server/worker.h"
#include "wire/url.h"

#include <stdlib.h>

#define QUERY_MAX 64

static const struct str raw_path = {(const uint8_t *)"/engine.io/", 11};

/* A connection on its way to another worker. */
struct mail_socket {
    struct io_mail mail;
    struct worker *to;
    int fd;
    bool secure;
    struct buf bytes;
};

/* What a request says in its query. */
struct query {
    bool websocket, version; /* the transport; EIO=4 */
    bool has_sid;
    struct eio_sid sid;
};

/* With or without the slash at its end. */
static bool is_path(struct str path, struct str ours)
{
    while (ours.n > 1 && ours.p[ours.n - 1] == '/')
        ours.n--;
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return str_eq(path, ours);
}

bool eio_http_takes(const struct conn *c, struct str path)
{
    const struct server *s = c->worker->server;

    return (s->conf->sio_path[0] == '/' && is_path(path, str_of(s->conf->sio_path))) ||
           (s->o.echo && is_path(path, raw_path));
}

static const struct eio_user *user_of(const struct conn *c)
{
    if (!c->worker->server->o.echo)
        return &sio_user;
    return is_path(c->http->message->request.path, raw_path) ? &sio_echo_raw : &sio_echo;
}

/* False if it was refused. */
static bool read_query(struct conn *c, struct query *ret)
{
    struct str query = c->http->message->request.query, value;
    uint8_t buf[QUERY_MAX];
    size_t n;

    *ret = (struct query){0};
    value = (struct str){buf, 0};
    if (url_query_get(query, STR("transport"), buf, sizeof(buf), &n))
        value.n = n;
    ret->websocket = str_eq(value, STR("websocket"));
    if (!ret->websocket && !str_eq(value, STR("polling"))) {
        eio_answer_error(c, ENGINEIO_UNKNOWN_TRANSPORT);
        return false;
    }
    ret->version =
        url_query_get(query, STR("EIO"), buf, sizeof(buf), &n) && n == 1 && buf[0] == '4';
    if (!url_query_get(query, STR("sid"), buf, sizeof(buf), &n))
        return true;
    ret->has_sid = true;
    if (eio_sid_parse((struct str){buf, n}, &ret->sid))
        return true;
    eio_answer_error(c, ENGINEIO_UNKNOWN_SID);
    return false;
}

bool eio_http_upgrade(struct conn *c)
{
    struct http1_header extra[3];
    struct http1_reply reply = {.status = 101, .content_length = HTTP1_NO_LENGTH, .extra = extra};
    char accept[WS_ACCEPT_LEN];
    struct str key;

    if (http1_websocket(&c->http->message->request, &key) != 0) {
        eio_answer_error(c, ENGINEIO_BAD_REQUEST);
        return false;
    }
    ws_accept(key, accept);
    extra[reply.extra_n++] = (struct http1_header){STR("Upgrade"), STR("websocket")};
    extra[reply.extra_n++] = (struct http1_header){STR("Connection"), STR("Upgrade")};
    extra[reply.extra_n++] = (struct http1_header){STR("Sec-WebSocket-Accept"),
                                                   {(const uint8_t *)accept, sizeof(accept)}};
    if (!http1_write_reply(conn_out(c), &reply)) {
        conn_drop(c, METRIC_close_memory);
        return false;
    }
    conn_sent(c);
    door_http_upgraded(c);
    return true;
}

/* A session that is polled costs no connection; so it is limited as one. */
static bool is_too_fast(struct conn *c)
{
    struct io_addr from = door_http_client(c);
    uint64_t wait_ms = 0;

    if (!c->worker->server->o.echo)
        wait_ms = limits_connect(c->worker, &from);
    if (wait_ms > 0)
        door_http_fail(c, ERROR_rate_limited, wait_ms);
    return wait_ms > 0;
}

static void open_session(struct conn *c, const struct query *q)
{
    struct conn *session = c;

    if (!str_eq(c->http->message->request.method, STR("GET")))
        eio_answer_error(c, ENGINEIO_BAD_HANDSHAKE_METHOD);
    else if (!q->version)
        eio_answer_error(c, ENGINEIO_UNSUPPORTED_VERSION);
    else if (!q->websocket && !is_too_fast(c))
        session = eio_open(c, user_of(c));
    else if (!q->websocket)
        return;
    else if (eio_http_upgrade(c))
        eio_begin(c, user_of(c));
    if (eio_is(session) && session->state == CONN_OPEN && !c->worker->server->o.echo)
        http_routes_authenticate(c, session);
}

/* To another worker. */

static void socket_arrived(struct io_mail *mail)
{
    struct mail_socket *m = CONTAINER_OF(mail, struct mail_socket, mail);

    door_http_open_with(m->to, m->fd, m->secure, buf_peek(&m->bytes));
    buf_fini(&m->bytes);
    free(m);
}

/* The request alone goes where its session is. */
static void forward(struct conn *c, const struct query *q)
{
    struct str method = c->http->message->request.method;

    if (q->websocket)
        eio_far_send(c, &q->sid, FAR_PROBE);
    else if (str_eq(method, STR("GET")))
        eio_far_send(c, &q->sid, FAR_GET);
    else if (str_eq(method, STR("POST")))
        eio_far_send(c, &q->sid, FAR_POST);
    else
        eio_answer_error(c, ENGINEIO_BAD_REQUEST);
}

/* With its socket, if it can. */
static void move(struct conn *c, const struct query *q)
{
    struct worker *w = c->worker;
    struct mail_socket *m;
    int fd;

    if (c->out != NULL || conn_give_socket(c, &fd) < 0) {
        forward(c, q);
        return;
    }
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        abort();
    m->mail.deliver = socket_arrived;
    m->to = &w->server->workers[q->sid.worker];
    m->fd = fd;
    m->secure = c->secure;
    buf_init(&m->bytes, SIZE_MAX / 2);
    door_http_again(c, &m->bytes);
    conn_drop(c, METRIC_close_client);
    worker_mail(w, q->sid.worker, &m->mail);
}

/* session: NULL if there is none, or none any more that could get a WebSocket. */
static void join_session(struct conn *c, struct conn *session)
{
    if (!eio_http_upgrade(c))
        return;
    if (session != NULL && eio_may_probe(session))
        eio_probe(session, c);
    else
        eio_turn_away(c);
}

static void run_session(struct conn *c, const struct query *q)
{
    struct str method = c->http->message->request.method;
    struct worker *w = c->worker;
    bool here = q->sid.node == bus_self(w->server->o.bus);
    struct conn *session;

    if (!far_knows(w, q->sid.node) || (here && q->sid.worker >= w->server->workers_n)) {
        eio_answer_error(c, ENGINEIO_UNKNOWN_SID);
        return;
    }
    if (!here) {
        forward(c, q);
        return;
    }
    if (q->sid.worker != w->index) {
        move(c, q);
        return;
    }
    session = eio_find(w, q->sid.id);
    if (q->websocket) {
        join_session(c, session);
    } else if (session == NULL) {
        eio_answer_error(c, ENGINEIO_UNKNOWN_SID);
    } else if (str_eq(method, STR("GET"))) {
        eio_poll(session, c);
    } else if (str_eq(method, STR("POST"))) {
        eio_post(session, c);
    } else {
        eio_answer_error(c, ENGINEIO_BAD_REQUEST);
    }
}

void eio_http_run(struct conn *c)
{
    struct query q;

    if (!c->worker->server->o.echo && !door_http_origin_allowed(c)) {
        eio_answer_error(c, ENGINEIO_FORBIDDEN);
        return;
    }
    if (!read_query(c, &q))
        return;
    if (q.has_sid)
        run_session(c, &q);
    else
        open_session(c, &q);
}
