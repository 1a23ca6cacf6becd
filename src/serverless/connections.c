#include "serverless/connections.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/url.h"

#include <stdio.h>
#include <stdlib.h>

#define URL_MAX 1024
#define SIGNATURE_MAX 8192
#define ANSWER_MAX (64 * 1024)
#define HEADERS 8
#define ERROR_MAX 64

struct connections {
    struct poster poster;
    struct connections_options o;
    struct str region;
    struct list idle; /* calls, to be used again */
    unsigned busy_n;
    char error[ERROR_MAX];
    struct connections_stats stats;
};

/* A POST under way. */
struct connections_call {
    struct list node;
    struct connections *from;
    struct poster_req *req;
    struct http_request http;
    struct buf url, signature;
    const char *headers[HEADERS];
};

/* What a 403 is called when other credentials, or a later time, would do. */
static bool is_stale(struct str error)
{
    static const char *const names[] = {"ExpiredTokenException", "ExpiredToken",
                                        "UnrecognizedClientException", "InvalidSignatureException",
                                        "RequestExpired"};

    for (size_t i = 0; i < COUNTOF(names); i++)
        if (str_eq(error, str_of(names[i])))
            return true;
    return false;
}

static void connections_posted(struct http_request *http)
{
    struct connections_call *call = CONTAINER_OF(http, struct connections_call, http);
    struct connections *c = call->from;
    struct poster_req *req = call->req;
    struct str error = http_client_header(http, "x-amzn-errortype");

    error = str_cut(&error, ':');
    if (http->ret_error != 0) {
        req->ret_status = 0;
    } else {
        req->ret_status = http->ret_status;
        if (req->ret_status >= 300)
            (void)snprintf(c->error, sizeof(c->error), "%.*s", STR_ARGS(error));
        if (req->ret_status == 403 && is_stale(error) && c->o.refresh != NULL) {
            c->o.refresh(c->o.ctx);
            req->ret_status = 503;
        }
    }
    c->stats.ok += req->ret_status / 100 == 2;
    c->stats.failed += req->ret_status / 100 != 2 && req->ret_status != 410;
    list_push(&c->idle, &call->node);
    c->busy_n--;
    req->done(req);
}

static struct connections_call *call_get(struct connections *c)
{
    struct connections_call *call;

    if (!list_empty(&c->idle))
        return CONTAINER_OF(list_pop(&c->idle), struct connections_call, node);
    call = mem_zeroed(1, sizeof(*call));
    list_init(&call->node);
    call->from = c;
    buf_init(&call->url, URL_MAX);
    buf_init(&call->signature, SIGNATURE_MAX);
    return call;
}

/* The URL, NUL-terminated, and from it host and path. False if base is no URL. */
static bool write_url(struct connections_call *call, struct str *ret_host, struct str *ret_path)
{
    struct str url;

    buf_clear(&call->url);
    buf_append(&call->url, call->req->base);
    buf_append(&call->url, STR("/@connections/"));
    url_encode(&call->url, call->req->id);
    buf_append_byte(&call->url, '\0');
    url = buf_peek(&call->url);
    return !call->url.failed && url_split((struct str){url.p, url.n - 1}, ret_host, ret_path);
}

/* False if the request cannot be made. */
static bool prepare(struct connections_call *call)
{
    struct connections *c = call->from;
    struct sigv4_request r = {.method = str_of(call->http.method),
                              .body = call->http.body,
                              .region = c->region,
                              .service = STR("execute-api"),
                              .now_s = io_wall_ms(c->o.home) / 1000};
    unsigned n = 0;

    if (!write_url(call, &r.host, &r.path))
        return false;
    buf_clear(&call->signature);
    if (c->o.sign != NULL && (!c->o.sign(c->o.ctx, &r, &call->signature) || call->signature.failed))
        return false;
    if (!call->req->ends)
        call->headers[n++] = "Content-Type: text/plain; charset=utf-8";
    sigv4_lines(buf_peek(&call->signature), call->headers, n, HEADERS);
    return true;
}

static void connections_refuse(struct io_mail *mail)
{
    struct connections_call *call = CONTAINER_OF(mail, struct connections_call, http.mail);

    call->http.ret_error = -1; /* there is no answer */
    connections_posted(&call->http);
}

static void connections_post(struct poster *p, struct poster_req *req)
{
    struct connections *c = CONTAINER_OF(p, struct connections, poster);
    struct connections_call *call = call_get(c);
    struct http_request *http = &call->http;

    c->busy_n++;
    call->req = req;
    http->home = c->o.home;
    http->done = connections_posted;
    http->method = req->ends ? "DELETE" : "POST";
    http->headers = call->headers;
    http->body = req->ends ? (struct str){0} : req->body;
    http->timeout_ms = c->o.timeout_ms;
    http->response_max = ANSWER_MAX;
    if (!prepare(call)) {
        http->mail.deliver = connections_refuse;
        io_post(c->o.home, &http->mail, &http->mail);
        return;
    }
    http->url = (const char *)buf_peek(&call->url).p;
    http_client_submit(c->o.client, http);
}

static const struct poster_ops connections_ops = {.post = connections_post};

struct poster *connections_new(const struct connections_options *o)
{
    struct connections *c = mem_zeroed(1, sizeof(*c));

    assert(o->home != NULL && o->client != NULL && o->timeout_ms > 0);
    c->poster.ops = &connections_ops;
    c->o = *o;
    c->region = str_of(str_dup(str_of(o->region)));
    list_init(&c->idle);
    return &c->poster;
}

const char *connections_error(const struct poster *p)
{
    return CONTAINER_OF((struct poster *)(uintptr_t)p, struct connections, poster)->error;
}

struct connections_stats connections_stats(const struct poster *p)
{
    return CONTAINER_OF((struct poster *)(uintptr_t)p, struct connections, poster)->stats;
}

void connections_free(struct poster *p)
{
    struct connections *c;

    if (p == NULL)
        return;
    c = CONTAINER_OF(p, struct connections, poster);
    assert(c->busy_n == 0);
    while (!list_empty(&c->idle)) {
        struct connections_call *call =
            CONTAINER_OF(list_pop(&c->idle), struct connections_call, node);

        http_client_request_fini(&call->http);
        buf_fini(&call->url);
        buf_fini(&call->signature);
        free(call);
    }
    free((void *)(uintptr_t)c->region.p);
    free(c);
}
