#include "server/http/door_http.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/conn/conn.h"
#include "server/conn/exchange.h"
#include "server/conn/origin.h"
#include "server/conn/seen.h"
#include "server/node/node.h"
#include "server/node/worker.h"
#include "wire/field.h"
#include "wire/http1_body.h"

#include <stdio.h>
#include <stdlib.h>

#define EXTRA_MAX 16
#define IN_SLACK (64 * 1024)
#define SPARE_MS 1000

static const struct door door_http;

enum http_state {
    HTTP_HEAD,
    HTTP_BODY,
    HTTP_BUSY,
};

/* What the door keeps of a connection while there is something to keep. */
struct http {
    enum http_state state;
    struct buf in;      /* what came and is not consumed: a partial head, what is pipelined */
    struct exchange *x; /* the newest; NULL: none */
    struct http1_body_reader body;
};

/* A head, copied. */
struct http_message {
    struct http1_request request; /* its strings lie in head */
    size_t n;                     /* of head */
    uint8_t head[];
};

struct http_exchange {
    struct exchange x;
    struct http_message *message; /* NULL: nobody needs it any more */
    unsigned to;                  /* the worker that it moves to */
    bool reading;                 /* the request is not complete: the door holds it */
    bool routing;                 /* the taker is called just now */
    bool head_only;               /* HEAD: no body in the answer */
    bool over;
};

/* A connection on its way to another worker. */
struct mail_http {
    struct io_mail mail;
    struct worker *to;
    int fd;
    bool secure;
    struct buf bytes;
};

static void process(struct conn *c);

static const struct conf *conf_of(const struct conn *c)
{
    return c->worker->server->conf;
}

/* The most that any address takes of a body. */
static uint64_t bodies_max(const struct conn *c)
{
    return MAX(conf_of(c)->body_max, conf_of(c)->sio_max_payload);
}

static struct http_exchange *of(const struct exchange *x)
{
    return CONTAINER_OF((struct exchange *)(uintptr_t)x, struct http_exchange, x);
}

static struct http *door_http_keep(struct conn *c)
{
    if (c->http == NULL) {
        c->http = mem_zeroed(1, sizeof(*c->http));
        buf_init(&c->http->in, conf_of(c)->head_max + bodies_max(c) + IO_RECV_MAX + IN_SLACK);
    }
    return c->http;
}

static void free_message(struct http_exchange *e)
{
    free(e->message);
    e->message = NULL;
    e->x.request = NULL;
}

static void free_exchange(struct http_exchange *e)
{
    free_message(e);
    free(e);
}

/* The connection has nothing more to do with its exchange, which is over. */
static void leave_exchange(struct http *h)
{
    struct http_exchange *e = h->x != NULL ? of(h->x) : NULL;

    h->x = NULL;
    if (e == NULL)
        return;
    assert(e->x.holds >= e->reading);
    buf_fini(&e->x.body);
    e->x.conn = NULL;
    e->x.holds -= e->reading;
    if (e->x.holds == 0)
        free_exchange(e);
}

static void door_http_forget(struct conn *c)
{
    if (c->http == NULL)
        return;
    buf_fini(&c->http->in);
    leave_exchange(c->http);
    free(c->http);
    c->http = NULL;
    conn_count(c);
}

/* A request has so long to come, from its first byte on, and its body from the end
 * of its head; a connection may be idle for longer between two. */
static void door_http_set_timer(struct conn *c, bool idle)
{
    const struct conf *conf = conf_of(c);
    uint64_t ms = idle ? conf->keepalive_timeout_ms : conf->head_timeout_ms;

    if (c->spare)
        ms = SPARE_MS;
    if (ms > 0)
        conn_timer(c, worker_now_ms(c->worker) + ms);
    else
        wheel_cancel(&c->worker->wheel, &c->timer);
}

/* Answering. */

/* x: NULL if the head was no good. */
static bool write_head(struct conn *c, const struct exchange *x, const struct exchange_answer *a,
                       bool close, struct buf *out)
{
    char date[FIELD_DATE_LEN];
    struct http1_header extra[EXTRA_MAX];
    struct http1_reply reply = {
        .status = a->status,
        .date = {(const uint8_t *)date, sizeof(date)},
        .content_type = a->type,
        .content_length = a->no_length || a->endless ? HTTP1_NO_LENGTH : a->body.n,
        .chunked = a->endless && x->request->minor > 0,
        .close = close || a->endless,
        .extra = extra,
    };
    struct str origin = str_of(x != NULL ? x->origin : "");

    field_date_format((int64_t)(io_wall_ms(c->worker->io) / 1000), date);
    assert(a->extra_n + 6 <= EXTRA_MAX);
    for (size_t i = 0; i < a->extra_n; i++)
        extra[reply.extra_n++] = a->extra[i];
    extra[reply.extra_n++] = (struct http1_header){STR("X-Content-Type-Options"), STR("nosniff")};
    if (x != NULL && x->strict)
        extra[reply.extra_n++] =
            (struct http1_header){STR("Strict-Transport-Security"), STR("max-age=31536000")};
    if (origin.n > 0) {
        extra[reply.extra_n++] = (struct http1_header){STR("Access-Control-Allow-Origin"), origin};
        extra[reply.extra_n++] =
            (struct http1_header){STR("Access-Control-Allow-Credentials"), STR("true")};
        extra[reply.extra_n++] = (struct http1_header){STR("Vary"), STR("Origin")};
    }
    return http1_write_reply(out, &reply);
}

/* RFC 9110 15.2.2: nothing but what the upgrade needs. */
static bool write_upgrade(const struct exchange_answer *a, struct buf *out)
{
    assert(a->status == 101);
    return http1_write_reply(out, &(struct http1_reply){.status = a->status,
                                                        .content_length = HTTP1_NO_LENGTH,
                                                        .extra = a->extra,
                                                        .extra_n = a->extra_n});
}

/* What was said of the request is on its way. */
static void door_http_answered(struct conn *c, bool close)
{
    struct http *h = c->http;

    if (h->x != NULL)
        of(h->x)->over = true;
    if (close) {
        conn_finish(c, METRIC_close_client);
        return;
    }
    h->state = HTTP_HEAD;
    c->paused = true; /* until it is sent: then drained goes on */
    if (h->x != NULL)
        buf_fini(&h->x->body);
    door_http_set_timer(c, buf_len(&h->in) == 0);
}

static void send_answer(struct conn *c, const struct exchange_answer *a, bool close)
{
    struct exchange *x = c->http->x;
    struct buf *out = conn_out(c);

    if (out == NULL)
        return;
    if (!write_head(c, x, a, close, out))
        conn_fail(c, METRIC_close_memory);
    if (x == NULL || !of(x)->head_only)
        buf_append(out, a->body);
    conn_sent(c);
    door_http_answered(c, close);
}

/* A violation of HTTP itself: what follows cannot be told apart. */
static void door_http_refuse(struct conn *c, int status)
{
    struct http *h = door_http_keep(c);

    if (h->x != NULL) {
        of(h->x)->head_only = false;
        h->x->origin[0] = '\0';
    }
    send_answer(c,
                &(struct exchange_answer){.status = status,
                                          .type = STR("text/plain"),
                                          .body = str_of(http1_reason(status))},
                true);
}

/* Receiving. */

/* The request's strings are to outlive the bytes they were parsed from: they are
 * made to point into a copy of the head. */
static void rebase(struct str *s, const uint8_t *from, size_t n, const uint8_t *to)
{
    if (s->p >= from && s->p <= from + n)
        s->p = to + (s->p - from);
}

static struct http_message *keep_message(const struct http1_request *r, struct str head)
{
    struct http_message *m = mem_bytes(sizeof(*m) + head.n);

    memcpy(m->head, head.p, head.n);
    m->request = *r;
    m->n = head.n;
    rebase(&m->request.method, head.p, head.n, m->head);
    rebase(&m->request.target, head.p, head.n, m->head);
    rebase(&m->request.path, head.p, head.n, m->head);
    rebase(&m->request.query, head.p, head.n, m->head);
    rebase(&m->request.host, head.p, head.n, m->head);
    for (size_t i = 0; i < r->headers.n; i++) {
        rebase(&m->request.headers.at[i].name, head.p, head.n, m->head);
        rebase(&m->request.headers.at[i].value, head.p, head.n, m->head);
    }
    return m;
}

static const struct exchange_ops exchange_http;

static struct exchange *new_exchange(struct conn *c, const struct http1_request *r, struct str head)
{
    struct http_exchange *e = mem_zeroed(1, sizeof(*e));
    struct exchange *x = &e->x;

    e->message = keep_message(r, head);
    e->head_only = str_eq(r->method, STR("HEAD"));
    e->reading = true;
    x->holds = 1;
    x->ops = &exchange_http;
    x->worker = c->worker;
    x->conn = c;
    x->request = &e->message->request;
    x->peer = conn_peer(c);
    x->secure = c->secure;
    x->body_max = c->worker->taker->body_max(c->worker, r->path);
    x->close = !r->keep_alive || lifecycle_at(&c->worker->life) != LIFE_SERVING;
    buf_init(&x->body, conf_of(c)->body_max > 0 ? bodies_max(c) : 1 << 30);
    origin_find(x);
    origin_note(x);
    return x;
}

static void begin_body(struct conn *c, const struct http1_request *r, struct str head)
{
    struct http *h = c->http;

    assert(h->state == HTTP_HEAD);
    leave_exchange(h);
    h->x = new_exchange(c, r, head);
    h->state = HTTP_BODY;
    http1_body_init(&h->body, r, h->x->body_max);
    metrics_add(c->worker->metrics, METRIC_http_requests, 1);
}

/* False if the body is not wanted: the request has been answered, or moves as it is. */
static bool invite_body(struct conn *c)
{
    struct http *h = c->http;
    struct http_exchange *e = of(h->x);

    assert(h->state == HTTP_BODY && e->reading);
    if (!http1_has_body(e->x.request))
        return true;
    e->reading = false;
    h->state = HTTP_BUSY;
    if (!c->worker->taker->admit(&e->x)) {
        exchange_release(&e->x);
        return false;
    }
    e->reading = true;
    h->state = HTTP_BODY;
    h->body.chunked.body_max = e->x.body_max;
    if (e->x.request->expect_continue && buf_len(&h->in) == 0) /* RFC 9110 10.1.1: it waits */
        (void)conn_send(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    return true;
}

/* Takes a head from what came. False if there is none yet, or the connection ends. */
static bool take_head(struct conn *c)
{
    const struct conf *conf = conf_of(c);
    struct http1_limits limits = {
        .head_max = conf->head_max > 0 ? conf->head_max : IN_SLACK,
        .target_max = conf->head_max > 0 ? conf->head_max : IN_SLACK,
        .body_max = conf->body_max > 0 ? bodies_max(c) : UINT64_MAX,
    };
    struct http *h = c->http;
    struct str in = buf_peek(&h->in);
    struct http1_request request;
    size_t used;
    int status;

    assert(h->state == HTTP_HEAD);
    switch (http1_parse_request(in, &limits, &request, &used, &status)) {
    case HTTP1_MORE:
        return false;
    case HTTP1_BAD:
        door_http_refuse(c, status);
        return false;
    case HTTP1_OK:
        break;
    }
    if (request.body == HTTP1_BODY_LENGTH &&
        request.content_length > c->worker->taker->body_max(c->worker, request.path)) {
        door_http_refuse(c, 413);
        return false;
    }
    begin_body(c, &request, (struct str){in.p, used});
    buf_consume(&h->in, used);
    return c->state == CONN_OPEN;
}

/* True when the body is complete. */
static bool take_body(struct conn *c)
{
    struct http *h = c->http;
    int status = 0;
    enum http1_body_step step;

    assert(h->state == HTTP_BODY);
    step = http1_body_take(&h->body, &h->in, &h->x->body, &status);
    if (step == HTTP1_STEP_BAD)
        door_http_refuse(c, status);
    return step == HTTP1_STEP_DONE;
}

/* Upgraded: the new door gets what came behind the request, as from a client that
 * did not wait for the answer. */
static void hand_on(struct conn *c)
{
    struct buf rest CLEANUP(buf_fini) = c->http->in;

    assert(c->door != &door_http);
    buf_init(&c->http->in, 0);
    door_http_forget(c);
    if (buf_len(&rest) > 0 && c->state == CONN_OPEN)
        c->door->received(c, rest.bytes + rest.rpos, buf_len(&rest));
}

/* Goes on as far as what came allows. */
static void process(struct conn *c)
{
    struct http *h = c->http;
    struct http_exchange *e;

    assert(h != NULL && c->door == &door_http);
    if (h->state == HTTP_HEAD && (c->flight != NULL || !take_head(c) || !invite_body(c)))
        return;
    if (h->state != HTTP_BODY || !take_body(c))
        return;
    e = of(h->x);
    h->state = HTTP_BUSY;
    c->paused = true; /* one at a time */
    e->reading = false;
    e->routing = true;
    c->worker->taker->run(&e->x);
    e->routing = e->x.holds == 1;
    exchange_release(&e->x);
}

static void door_http_received(struct conn *c, uint8_t *p, size_t n)
{
    struct http *h = door_http_keep(c);
    bool begins = h->state == HTTP_HEAD && buf_len(&h->in) == 0;

    if (begins)
        door_http_set_timer(c, false);
    buf_append(&h->in, (struct str){p, n});
    if (h->in.failed) {
        door_http_refuse(c, 413);
        return;
    }
    process(c);
    if (c->http != NULL && c->http->state == HTTP_BUSY && buf_len(&c->http->in) > IN_SLACK)
        c->paused = true; /* what is pipelined waits in the socket */
    conn_count(c);
}

static void drained(struct conn *c)
{
    if (c->http == NULL || c->http->state != HTTP_HEAD)
        return;
    if (buf_len(&c->http->in) == 0)
        door_http_forget(c);
    else
        process(c);
}

static void door_http_timeout(struct conn *c)
{
    if (c->settling)
        conn_finish(c, METRIC_close_gone); /* what was to be sent before is not read */
    else if (c->http != NULL && c->http->state == HTTP_BUSY)
        door_http_set_timer(c, false); /* we are the slow ones */
    else if (c->http != NULL && (c->http->state == HTTP_BODY || buf_len(&c->http->in) > 0))
        door_http_refuse(c, 408);
    else
        conn_finish(c, METRIC_close_client);
}

/* The beginning. */

static struct conn *adopt(struct worker *w, int fd, bool secure)
{
    struct conn *c = conn_open(w, fd, secure, &door_http);

    if (c != NULL)
        metrics_add(w->metrics, METRIC_open_http, 1);
    return c;
}

/* False if it is over already. */
static bool door_http_begin(struct conn *c)
{
    assert(c->door == &door_http && c->http == NULL);
    if (lifecycle_at(&c->worker->life) >= LIFE_CLOSING)
        conn_drop(c, METRIC_close_draining);
    else
        door_http_set_timer(c, false);
    return c->state == CONN_OPEN;
}

/* To another worker. */

static void door_http_arrived(struct io_mail *mail)
{
    struct mail_http *m = CONTAINER_OF(mail, struct mail_http, mail);
    struct conn *c = adopt(m->to, m->fd, m->secure);

    if (c != NULL && door_http_begin(c)) {
        buf_append(&door_http_keep(c)->in, buf_peek(&m->bytes));
        process(c);
    }
    buf_fini(&m->bytes);
    free(m);
}

static void move_socket(struct conn *c, int fd)
{
    struct http *h = c->http;
    struct http_exchange *e = of(h->x);
    struct mail_http *m = mem_zeroed(1, sizeof(*m));
    unsigned to = e->to;

    assert(buf_len(&e->x.body) == 0);
    m->mail.deliver = door_http_arrived;
    m->to = &c->worker->server->workers[to];
    m->fd = fd;
    m->secure = c->secure;
    buf_init(&m->bytes, SIZE_MAX / 2);
    buf_append(&m->bytes, (struct str){e->message->head, e->message->n});
    buf_append(&m->bytes, buf_peek(&h->in));
    conn_drop(c, METRIC_close_client);
    worker_mail(c->worker, to, &m->mail);
}

static void settled(struct conn *c)
{
    struct exchange *x = c->http->x;
    int fd;

    assert(x != NULL && x->wait != NULL && c->http->state == HTTP_BUSY);
    /* A worker that drains does not give: the other may have ended. */
    if (lifecycle_at(&c->worker->life) >= LIFE_CLOSING || conn_give_socket(c, &fd) < 0)
        x->wait->stayed(x);
    else
        move_socket(c, fd);
}

static void door_http_closed(struct conn *c)
{
    struct exchange *x = c->http != NULL ? c->http->x : NULL;

    if (x != NULL && x->wait != NULL)
        x->wait->gone(x);
    door_http_forget(c);
    metrics_sub(c->worker->metrics, METRIC_open_http, 1);
}

static size_t kept(const struct conn *c)
{
    const struct http *h = c->http;

    if (h == NULL)
        return 0;
    return h->in.cap + (h->x != NULL ? h->x->body.cap : 0);
}

static const struct door door_http = {
    .name = "http",
    .received = door_http_received,
    .drained = drained,
    .settled = settled,
    .timeout = door_http_timeout,
    .closed = door_http_closed,
    .kept = kept,
};

bool door_http_drain(struct conn *c)
{
    struct http *h = c->http;

    assert(lifecycle_at(&c->worker->life) >= LIFE_CLOSING);
    if (h != NULL && h->x != NULL && h->x->wait != NULL)
        h->x->wait->hurry(h->x);
    if (h == NULL || h->state != HTTP_BUSY)
        return false;
    h->x->close = true;
    return true;
}

/* The exchange. */

static bool http_is_open(const struct exchange *x)
{
    return x->conn != NULL && !of(x)->over && x->conn->state == CONN_OPEN;
}

static void http_answer(struct exchange *x, const struct exchange_answer *a)
{
    if (http_is_open(x))
        send_answer(x->conn, a, x->close);
}

static struct conn *http_give(struct exchange *x, const struct exchange_answer *a)
{
    struct conn *c = x->conn;
    struct buf *out = http_is_open(x) ? conn_out(c) : NULL;

    if (out == NULL)
        return NULL;
    assert(!of(x)->head_only);
    if (!(a->endless ? write_head(c, x, a, true, out) : write_upgrade(a, out)))
        conn_fail(c, METRIC_close_memory);
    conn_sent(c);
    if (c->failed)
        return NULL;
    of(x)->over = true;
    metrics_sub(c->worker->metrics, METRIC_open_http, 1);
    seen_come(c, x);
    c->paused = false;
    return c;
}

static bool http_move(struct exchange *x, unsigned worker)
{
    assert(worker < x->worker->server->workers_n && worker != x->worker->index);
    if (!conn_may_give(x->conn))
        return false;
    of(x)->to = worker;
    conn_settle(x->conn);
    return true;
}

static void http_watch(struct exchange *x)
{
    assert(x->conn != NULL);
    x->conn->paused = true;
    conn_resume(x->conn);
}

static void http_released(struct exchange *x)
{
    struct http_exchange *e = of(x);
    struct conn *c = x->conn;

    assert(x->holds == 0);
    if (c == NULL) {
        free_exchange(e);
    } else if (c->door == &door_http) {
        free_message(e);
    } else {
        if (!e->routing)
            c->paused = true; /* reads again once the answer is sent */
        hand_on(c);
    }
}

static const struct exchange_ops exchange_http = {
    .name = "http",
    .is_open = http_is_open,
    .answer = http_answer,
    .watch = http_watch,
    .released = http_released,
    .give = http_give,
    .move = http_move,
};

static void open_one(struct worker *w, int fd, bool secure, bool spare)
{
    struct conn *c = adopt(w, fd, secure);

    if (c == NULL)
        return;
    metrics_add(w->metrics, METRIC_connections_http, 1);
    c->spare = spare;
    (void)door_http_begin(c);
}

void door_http_open(struct worker *w, int fd, bool secure)
{
    open_one(w, fd, secure, false);
}

void door_http_open_spare(struct worker *w, int fd, bool secure)
{
    open_one(w, fd, secure, true);
}
