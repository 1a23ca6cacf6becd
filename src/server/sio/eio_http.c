#include "server/sio/eio_http.h"

#include "base/str.h"
#include "server/conn/origin.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "server/sio/eio.h"
#include "server/sio/eio_far.h"
#include "server/sio/eio_probe.h"
#include "server/sio/sio.h"
#include "server/sio/sio_echo.h"
#include "server/sio/sio_space.h"
#include "wire/url.h"

#define QUERY_MAX 64

static const struct str raw_path = {(const uint8_t *)"/engine.io/", 11};

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

bool eio_http_takes(const struct worker *w, struct str path)
{
    const struct server *s = w->server;

    return (s->conf->sio_path[0] == '/' && is_path(path, str_of(s->conf->sio_path))) ||
           (s->o.echo && is_path(path, raw_path));
}

static const struct eio_user *user_of(const struct exchange *x)
{
    if (!x->worker->server->o.echo)
        return &sio_user;
    return is_path(x->request->path, raw_path) ? &sio_echo_raw : &sio_echo;
}

/* False if it was refused. */
static bool read_query(struct exchange *x, struct query *ret)
{
    struct str query = x->request->query, value;
    uint8_t buf[QUERY_MAX];
    size_t n;

    *ret = (struct query){0};
    value = (struct str){buf, 0};
    if (url_query_get(query, STR("transport"), buf, sizeof(buf), &n))
        value.n = n;
    ret->websocket = str_eq(value, STR("websocket"));
    if (!ret->websocket && !str_eq(value, STR("polling"))) {
        eio_answer_error(x, ENGINEIO_UNKNOWN_TRANSPORT);
        return false;
    }
    ret->version =
        url_query_get(query, STR("EIO"), buf, sizeof(buf), &n) && n == 1 && buf[0] == '4';
    if (!url_query_get(query, STR("sid"), buf, sizeof(buf), &n))
        return true;
    ret->has_sid = true;
    if (eio_sid_parse((struct str){buf, n}, &ret->sid))
        return true;
    eio_answer_error(x, ENGINEIO_UNKNOWN_SID);
    return false;
}

/* False if the request was refused: for its origin, or its query. */
static bool begin_request(struct exchange *x, struct query *ret)
{
    x->answer_eio = eio_answer_http;
    if (x->worker->server->o.echo || origin_allowed(x))
        return read_query(x, ret);
    eio_answer_error(x, ENGINEIO_FORBIDDEN);
    return false;
}

/* A session is limited as a login is: whose it is shows later. */
static bool is_too_fast(struct exchange *x)
{
    uint64_t wait_ms = 0;

    if (!x->worker->server->o.echo)
        wait_ms = origin_wait_ms(x);
    if (wait_ms > 0)
        exchange_fail(x, ERROR_rate_limited, wait_ms);
    return wait_ms > 0;
}

/* NULL if it is refused. */
static struct conn *open_session(struct exchange *x, const struct query *q)
{
    struct conn *c = NULL;

    assert(!q->has_sid);
    if (!exchange_is_method(x, "GET")) {
        eio_answer_error(x, ENGINEIO_BAD_HANDSHAKE_METHOD);
    } else if (!q->version) {
        eio_answer_error(x, ENGINEIO_UNSUPPORTED_VERSION);
    } else if (is_too_fast(x)) {
        return NULL;
    } else if (!q->websocket) {
        c = eio_open(x, user_of(x));
    } else {
        c = eio_answer_upgrade(x);
        if (c != NULL)
            eio_begin(c, x, user_of(x));
    }
    return c;
}

/* To another worker. */

/* The request alone goes where its session is. */
static void forward(struct exchange *x, const struct query *q)
{
    struct str method = x->request->method;

    assert(q->has_sid);
    if (q->websocket)
        eio_far_send(x, &q->sid, FAR_PROBE);
    else if (str_eq(method, STR("GET")))
        eio_far_send(x, &q->sid, FAR_GET);
    else if (str_eq(method, STR("POST")))
        eio_far_send(x, &q->sid, FAR_POST);
    else
        eio_answer_error(x, ENGINEIO_BAD_REQUEST);
}

/* A body may follow that nobody reads. */
static void refuse_unread(struct exchange *x, enum engineio_error error)
{
    x->close = true;
    eio_answer_error(x, error);
}

/* It has moved, or nobody waits for it. */
static void moving_gone(struct exchange *x)
{
    exchange_wait_end(x);
    exchange_release(x);
}

static void moving_stayed(struct exchange *x)
{
    struct query q;

    assert(x->holds > 0);
    exchange_wait_end(x);
    if (lifecycle_at(&x->worker->life) >= LIFE_CLOSING || http1_has_body(x->request))
        refuse_unread(x, ENGINEIO_UNKNOWN_SID);
    else if (read_query(x, &q)) /* as before */
        forward(x, &q);
    exchange_release(x);
}

static const struct exchange_wait exchange_wait_moving = {
    .gone = moving_gone,
    .hurry = exchange_ignore,
    .stayed = moving_stayed,
};

/* With its socket, once that is idle. False if it cannot. */
static bool move(struct exchange *x, const struct query *q)
{
    assert(q->sid.worker != x->worker->index);
    if (!exchange_move(x, q->sid.worker))
        return false;
    exchange_hold(x);
    exchange_wait_begin(x, &exchange_wait_moving, NULL);
    return true;
}

/* session: NULL if there is none, or none any more that could get a WebSocket. */
static void join_session(struct exchange *x, struct conn *session)
{
    struct conn *c = eio_answer_upgrade(x);

    assert(session == NULL || session->worker == x->worker);
    if (c == NULL)
        return;
    if (session != NULL && eio_may_probe(session))
        eio_probe_begin(c, session);
    else
        eio_probe_turn_away(c);
}

static bool is_here(const struct exchange *x, const struct eio_sid *sid)
{
    return sid->node == bus_self(x->worker->server->o.bus);
}

static void run_session(struct exchange *x, const struct query *q)
{
    struct str method = x->request->method;
    struct worker *w = x->worker;
    bool here = is_here(x, &q->sid);
    struct conn *session;

    assert(q->has_sid);
    if (!far_knows(w, q->sid.node) || (here && q->sid.worker >= w->server->workers_n)) {
        eio_answer_error(x, ENGINEIO_UNKNOWN_SID);
        return;
    }
    if (!here) {
        forward(x, q);
        return;
    }
    if (q->sid.worker != w->index) {
        if (!move(x, q))
            forward(x, q);
        return;
    }
    session = eio_find(w, q->sid.id);
    if (q->websocket) {
        join_session(x, session);
    } else if (session == NULL) {
        eio_answer_error(x, ENGINEIO_UNKNOWN_SID);
    } else if (str_eq(method, STR("GET"))) {
        eio_poll(session, x);
    } else if (str_eq(method, STR("POST"))) {
        eio_post(session, x);
    } else {
        eio_answer_error(x, ENGINEIO_BAD_REQUEST);
    }
}

/* A session that is nobody's yet takes no more than any other request does. */
static bool admits_length(struct exchange *x, struct conn *session)
{
    const struct http1_request *r = x->request;
    uint64_t max = x->worker->server->conf->body_max;

    if (x->worker->server->o.echo || max == 0 || sio_space_is_known(session))
        return true;
    x->body_max = MIN(x->body_max, max);
    return r->body != HTTP1_BODY_LENGTH || r->content_length <= max;
}

/* Is a body for that session to be read? If not, why. */
static bool admits(struct exchange *x, const struct query *q, enum engineio_error *ret_why)
{
    struct worker *w = x->worker;
    bool here = is_here(x, &q->sid);
    struct conn *session;

    assert(q->has_sid);
    *ret_why = ENGINEIO_UNKNOWN_SID;
    if (!far_knows(w, q->sid.node) || (here && q->sid.worker >= w->server->workers_n))
        return false;
    if (!here || q->sid.worker != w->index)
        return true; /* the other worker is asked */
    session = eio_find(w, q->sid.id);
    *ret_why = session != NULL ? ENGINEIO_BAD_REQUEST : ENGINEIO_UNKNOWN_SID;
    return session != NULL && admits_length(x, session);
}

bool eio_http_admits(struct exchange *x)
{
    bool close = x->close, is_post = exchange_is_method(x, "POST");
    enum engineio_error why = ENGINEIO_BAD_REQUEST;
    struct query q;

    x->close = true;
    if (!begin_request(x, &q))
        return false;
    if (!q.has_sid)
        why = ENGINEIO_BAD_HANDSHAKE_METHOD;
    if (!is_post || !q.has_sid || !admits(x, &q, &why)) {
        eio_answer_error(x, why);
        return false;
    }
    x->close = close;
    return !is_here(x, &q.sid) || q.sid.worker == x->worker->index || !move(x, &q);
}

struct conn *eio_http_run(struct exchange *x)
{
    struct query q;

    if (!begin_request(x, &q))
        return NULL;
    if (!q.has_sid)
        return open_session(x, &q);
    run_session(x, &q);
    return NULL;
}
