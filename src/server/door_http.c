#include "server/door_http.h"

#include "base/str.h"
#include "io/addr.h"
#include "server/eio.h"
#include "server/eio_far.h"
#include "server/eio_http.h"
#include "server/http_routes.h"
#include "server/server.h"
#include "server/worker.h"
#include "wire/field.h"

#include <stdio.h>
#include <stdlib.h>

#define EXTRA_MAX 16
#define IN_SLACK (64 * 1024)

static const struct door door_http;

static void process(struct conn *c);

static const struct conf *conf_of(const struct conn *c)
{
    return c->worker->server->conf;
}

/* The most that any address takes. */
static uint64_t bodies_max(const struct conn *c)
{
    return MAX(conf_of(c)->body_max, conf_of(c)->sio_max_payload);
}

/* What this one takes. */
static uint64_t body_max(const struct conn *c, const struct http1_request *r)
{
    uint64_t max = eio_http_takes(c, r->path) ? conf_of(c)->sio_max_payload : conf_of(c)->body_max;

    return max > 0 ? max : UINT64_MAX;
}

static struct http *keep(struct conn *c)
{
    if (c->http == NULL) {
        c->http = calloc(1, sizeof(*c->http));
        if (c->http == NULL)
            abort();
        buf_init(&c->http->in, conf_of(c)->head_max + bodies_max(c) + IO_RECV_MAX + IN_SLACK);
        buf_init(&c->http->body, conf_of(c)->body_max > 0 ? bodies_max(c) : 1 << 30);
    }
    return c->http;
}

static void forget(struct conn *c)
{
    if (c->http == NULL)
        return;
    buf_fini(&c->http->in);
    buf_fini(&c->http->body);
    free(c->http->message);
    free(c->http);
    c->http = NULL;
}

/* A request has so long to come, from its first byte on, and its body from the end
 * of its head; a connection may be idle for longer between two. */
static void set_timer(struct conn *c, bool idle)
{
    const struct conf *conf = conf_of(c);
    uint64_t ms = idle ? conf->keepalive_timeout_ms : conf->head_timeout_ms;

    if (ms > 0)
        conn_timer(c, worker_now_ms(c->worker) + ms);
    else
        wheel_cancel(&c->worker->wheel, &c->timer);
}

/* Answering. */

static void write_head(struct conn *c, const struct http_answer *a, struct buf *out)
{
    char date[FIELD_DATE_LEN];
    struct http1_header extra[EXTRA_MAX];
    struct http1_reply reply = {
        .status = a->status,
        .date = {(const uint8_t *)date, sizeof(date)},
        .content_type = a->type,
        .content_length = a->no_length ? HTTP1_NO_LENGTH : a->body.n,
        .close = c->http->close,
        .extra = extra,
    };
    struct str origin = str_of(c->http->origin);

    field_date_format((int64_t)(io_wall_ms(c->worker->io) / 1000), date);
    assert(a->extra_n + 5 <= EXTRA_MAX);
    for (size_t i = 0; i < a->extra_n; i++)
        extra[reply.extra_n++] = a->extra[i];
    extra[reply.extra_n++] = (struct http1_header){STR("X-Content-Type-Options"), STR("nosniff")};
    if (origin.n > 0) {
        extra[reply.extra_n++] = (struct http1_header){STR("Access-Control-Allow-Origin"), origin};
        extra[reply.extra_n++] =
            (struct http1_header){STR("Access-Control-Allow-Credentials"), STR("true")};
        extra[reply.extra_n++] = (struct http1_header){STR("Vary"), STR("Origin")};
    }
    if (!http1_write_reply(out, &reply))
        conn_drop(c, METRIC_close_memory);
}

/* What was said of the request is on its way. */
static void answered(struct conn *c)
{
    if (c->http->close) {
        conn_finish(c, METRIC_close_client);
        return;
    }
    c->http->state = HTTP_HEAD;
    c->paused = true; /* until it is sent: then drained goes on */
    buf_clear(&c->http->body);
    set_timer(c, buf_len(&c->http->in) == 0);
}

void door_http_answer(struct conn *c, const struct http_answer *a)
{
    struct buf *out = conn_out(c);

    if (out == NULL)
        return;
    write_head(c, a, out);
    if (c->state != CONN_OPEN)
        return;
    if (!c->http->head_only)
        buf_append(out, a->body);
    conn_sent(c);
    answered(c);
}

void door_http_fail(struct conn *c, enum error_code code, uint64_t retry_after_ms)
{
    struct call call = {.error = code, .retry_after_ms = retry_after_ms};

    door_http_fail_call(c, &call);
}

void door_http_fail_call(struct conn *c, const struct call *call)
{
    uint64_t retry_after_ms = call->retry_after_ms;
    struct buf body CLEANUP(buf_fini);
    struct json_out o;
    char seconds[24];
    struct http1_header extra = {STR("Retry-After"), {0}};

    buf_init(&body, 4096);
    json_out_init(&o, &body);
    json_out_object(&o);
    json_out_key(&o, "error");
    call_error_body(call, &o);
    json_out_object_end(&o);
    (void)snprintf(seconds, sizeof(seconds), "%llu",
                   (unsigned long long)((retry_after_ms + 999) / 1000));
    extra.value = str_of(seconds);
    door_http_answer(c, &(struct http_answer){.status = command_error_status(call->error),
                                              .type = STR("application/json"),
                                              .body = buf_peek(&body),
                                              .extra = &extra,
                                              .extra_n = retry_after_ms > 0 ? 1 : 0});
}

/* A violation of HTTP itself: what follows cannot be told apart. */
static void refuse(struct conn *c, int status)
{
    struct http *h = keep(c);

    h->close = true;
    h->head_only = false;
    h->origin[0] = '\0';
    door_http_answer(c, &(struct http_answer){.status = status,
                                              .type = STR("text/plain"),
                                              .body = str_of(http1_reason(status))});
}

/* Whose request it is. */

static bool trusted(void *arg, struct str address, uint32_t hop)
{
    const struct conn *c = arg;
    struct io_addr addr;

    if (conf_of(c)->trusted_proxies.n == 0)
        return false;
    addr = conn_peer(c);
    if (hop > 0 || addr.family != IO_ADDR_UNIX) {
        char text[IO_ADDR_TEXT_MAX];
        bool six = memchr(address.p, ':', address.n) != NULL;
        int n = snprintf(text, sizeof(text), six ? "[%.*s]:1" : "%.*s:1", STR_ARGS(address));

        if (n < 0 || (size_t)n >= sizeof(text) ||
            addr_parse((struct str){(const uint8_t *)text, (size_t)n}, &addr) < 0)
            return false;
    }
    for (size_t i = 0; i < conf_of(c)->trusted_proxies.n; i++)
        if (addr_matches(&addr, str_of(conf_of(c)->trusted_proxies.items[i])))
            return true;
    return false;
}

static void find_client(struct conn *c)
{
    struct http *h = c->http;
    const struct http1_headers *headers = &h->message->request.headers;
    struct io_addr from = conn_peer(c);
    char peer[IO_ADDR_TEXT_MAX];
    struct str text = {(const uint8_t *)peer, addr_format_ip(&from, peer)};
    struct str client = field_client_address(headers, text, trusted, c), proto;
    size_t n = MIN(client.n, sizeof(h->address) - 1);

    memcpy(h->address, client.p, n);
    h->address[n] = '\0';
    h->loopback = addr_is_loopback(&from) || from.family == IO_ADDR_UNIX;
    h->secure = c->secure;
    if (!str_eq(client, text)) /* somebody behind a proxy that is believed */
        h->loopback = str_starts(client, STR("127.")) || str_eq(client, STR("::1"));
    if (!trusted(c, text, 0)) {
        if (http1_count(headers, STR("x-forwarded-for")) > 0)
            h->loopback = false; /* a proxy on this machine that nobody has vouched for */
    } else if (http1_get(headers, STR("x-forwarded-proto"), &proto)) {
        h->secure = str_eq_nocase(proto, STR("https"));
    }
}

struct io_addr door_http_client(const struct conn *c)
{
    char text[HTTP_ADDRESS_MAX + 8];
    struct io_addr addr;
    bool six = strchr(c->http->address, ':') != NULL;
    int n = snprintf(text, sizeof(text), six ? "[%s]:1" : "%s:1", c->http->address);

    if (n < 0 || addr_parse((struct str){(const uint8_t *)text, (size_t)n}, &addr) < 0)
        return conn_peer(c);
    return addr;
}

/* "https://example.org:8443" of the same authority as Host. */
static bool is_own_origin(const struct conn *c, struct str origin)
{
    struct str rest = origin;

    if (str_starts(rest, STR("https://")))
        rest = str_skip(rest, 8);
    else if (str_starts(rest, STR("http://")))
        rest = str_skip(rest, 7);
    else
        return false;
    return str_eq_nocase(rest, c->http->message->request.host);
}

static bool is_listed_origin(const struct conn *c, struct str origin)
{
    const struct conf_list *list = &conf_of(c)->origins;

    for (size_t i = 0; i < list->n; i++)
        if (str_eq(str_of(list->items[i]), STR("*")) ||
            str_eq_nocase(str_of(list->items[i]), origin))
            return true;
    return false;
}

bool door_http_origin_allowed(const struct conn *c)
{
    struct str origin;

    if (!http1_get(&c->http->message->request.headers, STR("origin"), &origin))
        return true;
    return is_own_origin(c, origin) || is_listed_origin(c, origin);
}

static void note_origin(struct conn *c)
{
    struct http *h = c->http;
    struct str origin;

    h->origin[0] = '\0';
    if (!http1_get(&h->message->request.headers, STR("origin"), &origin) ||
        origin.n >= sizeof(h->origin) || !is_listed_origin(c, origin))
        return;
    memcpy(h->origin, origin.p, origin.n);
    h->origin[origin.n] = '\0';
}

/* Receiving. */

/* The request's strings are to outlive the bytes they were parsed from: they are
 * made to point into a copy of the head. */
static void rebase(struct str *s, const uint8_t *from, size_t n, const uint8_t *to)
{
    if (s->p >= from && s->p <= from + n)
        s->p = to + (s->p - from);
}

static void keep_request(struct conn *c, const struct http1_request *r, struct str head)
{
    struct http_message *m = malloc(sizeof(*m) + head.n);

    if (m == NULL)
        abort();
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
    c->http->message = m;
}

static void begin_body(struct conn *c)
{
    struct http *h = c->http;

    h->close = !h->message->request.keep_alive || c->worker->move.on || c->worker->draining;
    h->head_only = str_eq(h->message->request.method, STR("HEAD"));
    h->state = HTTP_BODY;
    h->body_left =
        h->message->request.body == HTTP1_BODY_LENGTH ? h->message->request.content_length : 0;
    h->chunked = (struct chunked){.body_max = body_max(c, &h->message->request)};
    find_client(c);
    note_origin(c);
    metrics_add(c->worker->metrics, METRIC_http_requests, 1);
    if (h->message->request.expect_continue && h->message->request.body != HTTP1_BODY_NONE)
        (void)conn_send(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
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

    switch (http1_parse_request(in, &limits, &request, &used, &status)) {
    case HTTP1_MORE:
        return false;
    case HTTP1_BAD:
        refuse(c, status);
        return false;
    case HTTP1_OK:
        break;
    }
    if (request.body == HTTP1_BODY_LENGTH && request.content_length > body_max(c, &request)) {
        refuse(c, 413);
        return false;
    }
    keep_request(c, &request, (struct str){in.p, used});
    buf_consume(&h->in, used);
    begin_body(c);
    return c->state == CONN_OPEN;
}

static bool take_chunks(struct conn *c)
{
    struct http *h = c->http;
    enum chunked_event event;
    struct str data;
    size_t used;
    int status;

    do {
        event = chunked_decode(&h->chunked, buf_peek(&h->in), &used, &data, &status);
        if (event == CHUNKED_DATA)
            buf_append(&h->body, data);
        buf_consume(&h->in, used);
    } while (event == CHUNKED_DATA);
    if (event == CHUNKED_BAD)
        refuse(c, status);
    return event == CHUNKED_DONE;
}

/* True when the body is complete. */
static bool take_body(struct conn *c)
{
    struct http *h = c->http;
    size_t n = MIN(buf_len(&h->in), h->body_left);

    if (h->message->request.body == HTTP1_BODY_CHUNKED)
        return take_chunks(c);
    buf_append(&h->body, (struct str){buf_peek(&h->in).p, n});
    buf_consume(&h->in, n);
    h->body_left -= n;
    return h->body_left == 0;
}

/* Upgraded: the new door gets what came behind the request, as from a client that
 * did not wait for the answer. */
static void hand_on(struct conn *c)
{
    struct buf rest CLEANUP(buf_fini) = c->http->in;

    buf_init(&c->http->in, 0);
    forget(c);
    if (buf_len(&rest) > 0 && c->state == CONN_OPEN)
        c->door->received(c, rest.bytes + rest.rpos, buf_len(&rest));
}

static void finish_request(struct conn *c)
{
    if (c->door != &door_http) {
        hand_on(c);
        return;
    }
    free(c->http->message);
    c->http->message = NULL;
}

/* Goes on as far as what came allows. */
static void process(struct conn *c)
{
    struct http *h = c->http;

    if (h->state == HTTP_HEAD && (c->flight != NULL || !take_head(c)))
        return;
    if (h->state != HTTP_BODY || !take_body(c))
        return;
    h->state = HTTP_BUSY;
    c->paused = true; /* one at a time */
    h->routing = true;
    http_routes_run(c);
    if (c->http == NULL)
        return;
    h->routing = false;
    if (!h->asked)
        finish_request(c);
}

void door_http_routed(struct conn *c)
{
    if (c->http == NULL)
        return;
    c->http->asked = false;
    if (c->http->routing)
        return;
    if (c->door != &door_http)
        c->paused = true; /* reads again once the answer is sent */
    finish_request(c);
}

static void received(struct conn *c, uint8_t *p, size_t n)
{
    struct http *h = keep(c);
    bool begins = h->state == HTTP_HEAD && buf_len(&h->in) == 0;

    if (begins)
        set_timer(c, false);
    buf_append(&h->in, (struct str){p, n});
    if (h->in.failed) {
        refuse(c, 413);
        return;
    }
    process(c);
}

static void drained(struct conn *c)
{
    if (c->http == NULL || c->http->state != HTTP_HEAD)
        return;
    if (buf_len(&c->http->in) == 0)
        forget(c);
    else
        process(c);
}

static void timeout(struct conn *c)
{
    if (c->http != NULL && c->http->state == HTTP_BUSY)
        set_timer(c, false); /* we are the slow ones */
    else if (c->http != NULL && (c->http->state == HTTP_BODY || buf_len(&c->http->in) > 0))
        refuse(c, 408);
    else
        conn_finish(c, METRIC_close_client);
}

static void closed(struct conn *c)
{
    if (c->http != NULL && c->http->session != NULL)
        eio_poll_lost(c);
    if (c->http != NULL && c->http->far != NULL)
        eio_far_lost(c);
    forget(c);
    metrics_sub(c->worker->metrics, METRIC_open_http, 1);
}

static const struct door door_http = {
    .name = "http",
    .received = received,
    .drained = drained,
    .timeout = timeout,
    .closed = closed,
};

void door_http_upgraded(struct conn *c)
{
    metrics_sub(c->worker->metrics, METRIC_open_http, 1);
    c->paused = false;
}

void door_http_again(const struct conn *c, struct buf *out)
{
    const struct http *h = c->http;
    struct str body = buf_peek(&h->body);

    buf_append(out, (struct str){h->message->head, h->message->n});
    if (h->message->request.body == HTTP1_BODY_CHUNKED && body.n > 0)
        buf_printf(out, "%zx\r\n", body.n);
    buf_append(out, body);
    if (h->message->request.body == HTTP1_BODY_CHUNKED)
        buf_append(out, body.n > 0 ? STR("\r\n0\r\n\r\n") : STR("0\r\n\r\n"));
    buf_append(out, buf_peek(&h->in));
}

void door_http_open_with(struct worker *w, int fd, bool secure, struct str bytes)
{
    struct conn *c = conn_open(w, fd, secure, &door_http);

    if (c == NULL)
        return;
    metrics_add(w->metrics, METRIC_open_http, 1);
    if (w->draining) {
        conn_drop(c, METRIC_close_draining);
        return;
    }
    buf_append(&keep(c)->in, bytes);
    set_timer(c, false);
    process(c);
}

void door_http_open(struct worker *w, int fd, bool secure)
{
    struct conn *c = conn_open(w, fd, secure, &door_http);

    if (c == NULL)
        return;
    metrics_add(w->metrics, METRIC_open_http, 1);
    metrics_add(w->metrics, METRIC_connections_http, 1);
    if (w->draining)
        conn_drop(c, METRIC_close_draining);
    else
        set_timer(c, false);
}
