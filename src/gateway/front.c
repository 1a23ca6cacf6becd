#include "gateway/front.h"

#include "base/str.h"
#include "gateway/client.h"
#include "gateway/invoke.h"
#include "gateway/management.h"
#include "wire/ws.h"

enum { BODY_MAX = 6 * 1024 * 1024 + 1024, METRICS_MAX = 64 * 1024 };

static void front_request(struct inlet *l, const struct http1_request *r, struct str body);

static const struct inlet_ops front_ops = {.request = front_request};

static void front_answer(struct inlet *l, int status, const char *type, struct str body)
{
    inlet_answer(l, &(struct http1_reply){.status = status, .content_type = str_of(type)}, body);
}

static bool is_stage(const struct gateway *g, struct str path)
{
    struct str stage = str_of(g->about.stage);

    if (path.n > 0 && path.p[0] == '/')
        path = str_skip(path, 1);
    if (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return str_eq(stage, STR("$default")) ? path.n == 0 : str_eq(path, stage);
}

static void answer_metrics(struct gateway *g, struct inlet *l)
{
    struct buf text CLEANUP(buf_fini);

    buf_init(&text, METRICS_MAX);
    meter_write(&g->meter, gateway_connected_ms(g), g->open_n, &text);
    front_answer(l, 200, "text/plain; version=0.0.4", buf_peek(&text));
}

/* Somebody wants a WebSocket. */
static void take_websocket(struct gateway *g, struct inlet *l, const struct http1_request *r)
{
    struct http1_header version = {STR("Sec-WebSocket-Version"), STR("13")};
    struct str key;
    int status = ws_handshake(r, &key);

    if (status == 0) {
        client_ask(g, l, r);
        return;
    }
    inlet_answer(l,
                 &(struct http1_reply){.status = status,
                                       .content_type = STR("text/plain"),
                                       .extra = &version,
                                       .extra_n = status == 426 ? 1 : 0},
                 str_of(http1_reason(status)));
}

static void front_request(struct inlet *l, const struct http1_request *r, struct str body)
{
    struct gateway *g = l->owner;
    struct str id = management_path(g, r->path), function = invoke_path(r->path);

    if (function.p != NULL)
        invoke_run(g, l, r, function, body);
    else if (id.p != NULL)
        management_run(g, l, r, id, body);
    else if (is_stage(g, r->path))
        take_websocket(g, l, r);
    else if (str_eq(r->path, STR("/metrics")) && !str_eq(STR("metrics"), str_of(g->about.stage)))
        answer_metrics(g, l);
    else
        front_answer(l, 403, "application/json", STR("{\"message\":\"Forbidden\"}"));
}

int front_open(struct gateway *g, struct io *io, const struct io_addr *addr,
               struct acceptor *ret_front, struct io_addr *ret_addr)
{
    int r = acceptor_open(ret_front,
                          &(struct acceptor_options){.set = &g->inlets,
                                                     .io = g->io,
                                                     .above = io,
                                                     .ops = &front_ops,
                                                     .owner = g,
                                                     .body_max = BODY_MAX},
                          addr, ret_addr);

    if (r == 0)
        acceptor_start(ret_front);
    return r;
}
