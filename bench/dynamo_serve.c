/* dynamo_serve.c: the tests' model of DynamoDB (lib/dynamo_table.h) behind HTTP, on
 * loopback, for benches: what it costs is little, and how long it takes is set.
 *
 *     dynamo_serve [port=N] [prefix=polylog] [delay=MS]
 *
 * It has the two tables of that prefix, checks no signature, keeps everything in memory
 * and answers each request delay ms after it came. Says where it is in one line, and
 * serves until its standard input ends. */
#include "base/list.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/host.h"
#include "lib/dynamo_table.h"
#include "wire/http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_MAX (8 * 1024 * 1024)
#define ANSWER_MAX (16 * 1024 * 1024)
#define TARGET "DynamoDB_20120810."

struct settings {
    uint64_t port, delay;
    const char *prefix;
};

struct service {
    struct settings set;
    struct io_host *host;
    struct io *io;
    struct dynamo_tables *tables;
    struct io_op accepting;
    struct list late; /* connections whose answer is not due, in order */
    struct buf answer;
};

/* One request at a time: clients wait for their answers. */
struct conn {
    struct service *service;
    struct io_op in, out;
    struct buf got, say;
    struct str part;
    struct list late;
    uint64_t due_ms;
    bool ends;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "dynamo_serve: %s\n", what);
    exit(1);
}

static void maybe_free(struct conn *c)
{
    if (c->in.in_flight || c->out.in_flight || !list_empty(&c->late))
        return;
    io_close(c->service->io, c->in.fd);
    buf_fini(&c->got);
    buf_fini(&c->say);
    free(c);
}

static void end(struct conn *c)
{
    c->ends = true;
    list_remove(&c->late);
    io_cancel(c->service->io, &c->in);
    io_cancel(c->service->io, &c->out);
    maybe_free(c);
}

static void take(struct conn *c);

static void flush(struct conn *c)
{
    c->part = buf_peek(&c->say);
    if (c->part.n > 0)
        io_send(c->service->io, &c->out, &c->part, 1);
    else
        take(c);
}

static void sent(struct io_op *op, int result, uint8_t *data)
{
    struct conn *c = CONTAINER_OF(op, struct conn, out);

    (void)data;
    if (c->ends) {
        maybe_free(c);
    } else if (result < 0) {
        end(c);
    } else {
        buf_consume(&c->say, (size_t)result);
        flush(c);
    }
}

static void answer(struct conn *c, const struct http1_request *r, struct str body)
{
    struct service *s = c->service;
    struct str target = {0};
    unsigned status;

    buf_clear(&s->answer);
    must(http1_get(&r->headers, STR("x-amz-target"), &target) && str_starts(target, STR(TARGET)),
         "a request of another service");
    status = dynamo_tables_run(s->tables, str_skip(target, sizeof(TARGET) - 1), body, &s->answer);
    must(http1_write_reply(&c->say,
                           &(struct http1_reply){
                               .status = (int)status,
                               .content_type = STR("application/x-amz-json-1.0"),
                               .content_length = buf_len(&s->answer),
                           }),
         "an answer cannot be written");
    buf_append(&c->say, buf_peek(&s->answer));
    if (s->set.delay == 0) {
        flush(c);
        return;
    }
    c->due_ms = io_now_ms(s->io) + s->set.delay;
    list_push(&s->late, &c->late);
}

/* Does what was asked, once all of it is here and the answer before has left. */
static void take(struct conn *c)
{
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct str got = buf_peek(&c->got), body;
    struct http1_request r;
    size_t head;
    int status;

    limits.body_max = REQUEST_MAX;
    if (got.n == 0 || c->out.in_flight || !list_empty(&c->late))
        return;
    switch (http1_parse_request(got, &limits, &r, &head, &status)) {
    case HTTP1_MORE:
        return;
    case HTTP1_BAD:
        end(c);
        return;
    case HTTP1_OK:
        break;
    }
    if (got.n - head < r.content_length)
        return;
    body = (struct str){got.p + head, (size_t)r.content_length};
    buf_consume(&c->got, head + body.n); /* the bytes stay until more are appended */
    answer(c, &r, body);
}

static void received(struct io_op *op, int result, uint8_t *data)
{
    struct conn *c = CONTAINER_OF(op, struct conn, in);

    if (c->ends) {
        maybe_free(c);
    } else if (result <= 0) {
        end(c);
    } else {
        buf_append(&c->got, (struct str){data, (size_t)result});
        io_recv(c->service->io, op);
        take(c);
    }
}

static void accepted(struct io_op *op, int result, uint8_t *data)
{
    struct service *s = CONTAINER_OF(op, struct service, accepting);
    struct conn *c;

    (void)data;
    if (result >= 0 && io_adopt(s->io, result) == 0) {
        c = calloc(1, sizeof(*c));
        must(c != NULL, "memory is out");
        *c = (struct conn){.service = s,
                           .in = {.done = received, .fd = result},
                           .out = {.done = sent, .fd = result}};
        buf_init(&c->got, REQUEST_MAX + HTTP1_LIMITS_DEFAULT.head_max);
        buf_init(&c->say, ANSWER_MAX);
        list_init(&c->late);
        io_recv(s->io, &c->in);
    }
    io_accept(s->io, op);
}

static bool turn(void *arg)
{
    struct service *s = arg;
    bool waits = !list_empty(&s->late);
    struct conn *c;

    io_wait(s->io, waits ? CONTAINER_OF(s->late.next, struct conn, late)->due_ms : IO_FOREVER);
    while (!list_empty(&s->late)) {
        c = CONTAINER_OF(s->late.next, struct conn, late);
        if (c->due_ms > io_now_ms(s->io))
            break;
        list_remove(&c->late);
        flush(c);
    }
    return true;
}

static void add_tables(struct service *s)
{
    char name[128];

    s->tables = dynamo_tables_new();
    (void)snprintf(name, sizeof(name), "%s-log", s->set.prefix);
    dynamo_tables_add(s->tables, name, "room", "seq", 'N');
    (void)snprintf(name, sizeof(name), "%s-record", s->set.prefix);
    dynamo_tables_add(s->tables, name, "pk", "sk", 'B');
}

static void begin(struct service *s)
{
    struct io_addr addr;
    char text[32];

    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)s->set.port);
    must(host_epoll_new(&s->host) == 0 && host_io_new(s->host, &s->io) == 0, "no loop");
    list_init(&s->late);
    buf_init(&s->answer, ANSWER_MAX);
    add_tables(s);
    s->accepting.done = accepted;
    must(addr_parse(str_of(text), &addr) == 0 && io_listen(s->io, &addr, &s->accepting.fd) == 0,
         "cannot listen there");
    io_local(s->io, s->accepting.fd, &addr);
    io_accept(s->io, &s->accepting);
    must(host_start(s->host, s->io, turn, s) == 0, "no thread");
    printf("serves at http://127.0.0.1:%u\n", (unsigned)addr.port);
    fflush(stdout);
}

static void read_settings(int argc, char **argv, struct settings *set)
{
    for (int i = 1; i < argc; i++) {
        struct str value = str_of(argv[i]), name = str_cut(&value, '=');

        if (str_eq(name, STR("prefix")))
            set->prefix = argv[i] + 7;
        else
            must((str_eq(name, STR("port")) && str_to_u64(value, &set->port) &&
                  set->port <= UINT16_MAX) ||
                     (str_eq(name, STR("delay")) && str_to_u64(value, &set->delay)),
                 "[port=N] [prefix=polylog] [delay=MS]");
    }
}

int main(int argc, char **argv)
{
    static struct service s = {.set = {.prefix = "polylog"}};
    char rest[256];

    read_settings(argc, argv, &s.set);
    begin(&s);
    while (read(STDIN_FILENO, rest, sizeof(rest)) > 0)
        continue;
    return 0; /* its connections end with it */
}
