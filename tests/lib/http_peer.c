#include "lib/http_peer.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"
#include "io/addr.h"

#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX = 1024 * 1024 };

struct visitor {
    struct list node;
    struct http_peer *peer;
    struct io_op in, out;
    struct buf asked, answer;
    struct str part;
    bool closes, gone;
};

struct http_peer {
    struct io *io;
    struct io_op accept;
    int listener;
    uint16_t port;
    struct list visitors;
    unsigned visitors_n;
    bool ending;
    http_peer_answer_f *answer;
    void *ctx;
    struct http_peer_counts counts;
};

static void leave(struct visitor *v)
{
    struct http_peer *p = v->peer;

    v->gone = true;
    io_cancel(p->io, &v->in);
    io_cancel(p->io, &v->out);
    if (v->in.in_flight || v->out.in_flight)
        return;
    io_close(p->io, v->in.fd);
    list_remove(&v->node);
    p->visitors_n--;
    buf_fini(&v->asked);
    buf_fini(&v->answer);
    free(v);
}

static void flush(struct visitor *v)
{
    if (v->out.in_flight)
        return;
    v->part = buf_peek(&v->answer);
    if (v->part.n > 0)
        io_send(v->peer->io, &v->out, &v->part, 1);
    else if (v->closes)
        leave(v);
}

static void sent(struct io_op *op, int result, uint8_t *data)
{
    struct visitor *v = CONTAINER_OF(op, struct visitor, out);

    (void)data;
    if (result < 0 || v->gone) {
        leave(v);
        return;
    }
    buf_consume(&v->answer, (size_t)result);
    flush(v);
}

static void say(struct visitor *v, int status, struct str body)
{
    buf_printf(&v->answer, "HTTP/1.1 %d X\r\nX-Peer: Yes \r\nContent-Length: %zu\r\n\r\n", status,
               body.n);
    buf_append(&v->answer, body);
}

static void say_long(struct visitor *v)
{
    buf_printf(&v->answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", HTTP_PEER_LONG);
    for (unsigned i = 0; i < HTTP_PEER_LONG; i++)
        buf_append_byte(&v->answer, 'x');
}

/* One request; false if it closed the connection. */
static bool answer(struct visitor *v, struct str path, struct str head, struct str body)
{
    struct http_peer *p = v->peer;

    p->counts.requests++;
    if (p->answer != NULL && p->answer(p->ctx, head, body, &v->answer)) {
        flush(v);
        return true;
    }
    if (str_eq(path, STR("/reset"))) {
        leave(v);
        return false;
    }
    if (str_eq(path, STR("/echo")) || str_eq(path, STR("/last")))
        say(v, 200, body);
    else if (str_eq(path, STR("/head")))
        say(v, 200, head);
    else if (str_eq(path, STR("/503")))
        say(v, 503, STR("not now"));
    else if (str_eq(path, STR("/long")))
        say_long(v);
    else if (str_eq(path, STR("/cut")))
        buf_append(&v->answer, STR("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
    else if (str_eq(path, STR("/junk")))
        buf_append(&v->answer, STR("what is this\r\n\r\n"));
    else if (str_eq(path, STR("/moved")))
        buf_append(&v->answer,
                   STR("HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n"));
    else if (str_eq(path, STR("/chunked")))
        buf_append(&v->answer, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "4\r\nin p\r\n6\r\nieces.\r\n0\r\n\r\n"));
    v->closes =
        str_eq(path, STR("/last")) || str_eq(path, STR("/cut")) || str_eq(path, STR("/junk"));
    flush(v);
    return true;
}

static struct str body_of(struct str head, struct str rest, bool *ret_whole)
{
    const char *at = memmem(head.p, head.n, "Content-Length: ", 16);
    size_t n = at != NULL ? strtoull(at + 16, NULL, 10) : 0;

    *ret_whole = rest.n >= n;
    return (struct str){rest.p, n};
}

/* The first request, if it is whole. */
static bool take_request(struct visitor *v)
{
    struct str all = buf_peek(&v->asked), head, path;
    const uint8_t *end = all.n > 0 ? memmem(all.p, all.n, "\r\n\r\n", 4) : NULL;
    struct str body;
    size_t n;
    bool whole;

    if (end == NULL)
        return false;
    n = (size_t)(end - all.p) + 4;
    head = (struct str){all.p, n};
    body = body_of(head, str_skip(all, n), &whole);
    if (!whole)
        return false;
    path = head;
    (void)str_cut(&path, ' ');
    path = str_cut(&path, ' ');
    if (!answer(v, path, head, body))
        return false;
    buf_consume(&v->asked, n + body.n);
    return true;
}

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct visitor *v = CONTAINER_OF(op, struct visitor, in);

    if (result <= 0 || v->gone) {
        leave(v);
        return;
    }
    buf_append(&v->asked, (struct str){data, (size_t)result});
    io_recv(v->peer->io, op);
    while (take_request(v))
        ;
}

static void accepted(struct io_op *op, int result, uint8_t *data)
{
    struct http_peer *p = CONTAINER_OF(op, struct http_peer, accept);
    struct visitor *v;

    (void)data;
    if (result < 0)
        return;
    v = calloc(1, sizeof(*v));
    if (v == NULL || io_adopt(p->io, result) != 0)
        abort();
    v->peer = p;
    v->in = (struct io_op){.done = received, .fd = result};
    v->out = (struct io_op){.done = sent, .fd = result};
    buf_init(&v->asked, REQUEST_MAX);
    buf_init(&v->answer, REQUEST_MAX);
    list_push(&p->visitors, &v->node);
    p->visitors_n++;
    p->counts.connections++;
    p->counts.at_once = MAX(p->counts.at_once, p->visitors_n);
    io_recv(p->io, &v->in);
    if (!p->ending)
        io_accept(p->io, op);
}

struct http_peer *http_peer_new(struct io *io)
{
    struct http_peer *p = calloc(1, sizeof(*p));
    struct io_addr addr;

    if (p == NULL || addr_parse(STR("127.0.0.1:0"), &addr) != 0 ||
        io_listen(io, &addr, &p->listener) != 0)
        abort();
    p->io = io;
    list_init(&p->visitors);
    io_local(io, p->listener, &addr);
    p->port = addr.port;
    p->accept = (struct io_op){.done = accepted, .fd = p->listener};
    io_accept(io, &p->accept);
    return p;
}

void http_peer_free(struct http_peer *p)
{
    p->ending = true;
    io_cancel(p->io, &p->accept);
    for (struct list *l = p->visitors.next, *next; l != &p->visitors; l = next) {
        next = l->next;
        leave(CONTAINER_OF(l, struct visitor, node));
    }
    while (p->accept.in_flight || p->visitors_n > 0)
        io_wait(p->io, 0);
    io_close(p->io, p->listener);
    free(p);
}

void http_peer_answer(struct http_peer *p, http_peer_answer_f *f, void *ctx)
{
    p->answer = f;
    p->ctx = ctx;
}

uint16_t http_peer_port(const struct http_peer *p)
{
    return p->port;
}

struct http_peer_counts http_peer_count(const struct http_peer *p)
{
    return p->counts;
}
