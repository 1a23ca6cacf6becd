/* One socket of the gateway, over a loop that only remembers what it was asked for: requests
 * one at a time, answers in order, a stream whose frames go out in one piece. */
#include "gateway/inlet.h"

#include "base/str.h"
#include "io/io.h"
#include "lib/check.h"

enum { SENT_MAX = 1 << 20, BODY_MAX = 10, FRAME_MAX = 1000 };

/* The loop; everything is taken at once, when `finish` says so. */
static struct {
    struct io io;
    struct io_op *recv, *send;
    struct buf sent;
    unsigned sends, closed;
} loop;

static int loop_adopt(struct io *io, int fd)
{
    (void)io;
    (void)fd;
    return 0;
}

static void loop_recv(struct io *io, struct io_op *op)
{
    (void)io;
    op->in_flight = true;
    loop.recv = op;
}

static void loop_send(struct io *io, struct io_op *op)
{
    (void)io;
    op->in_flight = true;
    loop.send = op;
    loop.sends++;
}

static void loop_cancel(struct io *io, struct io_op *op)
{
    (void)io;
    (void)op;
}

static void loop_shutdown(struct io *io, int fd)
{
    (void)io;
    (void)fd;
}

static void loop_close(struct io *io, int fd)
{
    (void)io;
    (void)fd;
    loop.closed++;
}

static const struct io_ops loop_ops = {.name = "remembers",
                                       .adopt = loop_adopt,
                                       .recv = loop_recv,
                                       .send = loop_send,
                                       .cancel = loop_cancel,
                                       .shutdown = loop_shutdown,
                                       .close = loop_close};

static void give(const char *text)
{
    struct io_op *op = loop.recv;
    uint8_t bytes[4096];
    size_t n = strlen(text);

    assert_true(op != NULL && n <= sizeof(bytes));
    memcpy(bytes, text, n);
    loop.recv = NULL;
    op->in_flight = false;
    op->done(op, (int)n, bytes);
}

/* What was being sent is sent. */
static void finish(void)
{
    struct io_op *op = loop.send;

    assert_non_null(op);
    buf_append(&loop.sent, op->parts[0]);
    loop.send = NULL;
    op->in_flight = false;
    op->done(op, (int)op->parts[0].n, NULL);
}

static struct inlet_set set;
static struct wheel wheel;
static struct inlet *inlet;
static struct buf bodies;
static unsigned gone;

static void requested(struct inlet *l, const struct http1_request *r, struct str body)
{
    (void)r;
    buf_append(&bodies, body);
    buf_append_byte(&bodies, '|');
    inlet_answer(l, &(struct http1_reply){.status = 200}, STR("ok"));
}

static void went(struct inlet *l)
{
    (void)l;
    gone++;
}

static const struct inlet_ops ops = {.request = requested, .closed = went};

static int begin(void **state)
{
    (void)state;
    loop.io.ops = &loop_ops;
    loop.sends = loop.closed = gone = 0;
    loop.send = NULL;
    buf_init(&loop.sent, SENT_MAX);
    buf_init(&bodies, SENT_MAX);
    wheel_init(&wheel, 0);
    inlet_set_init(&set, &wheel);
    inlet = inlet_open(&set, &loop.io, 5, &ops, NULL, BODY_MAX);
    assert_non_null(inlet);
    return 0;
}

static int end(void **state)
{
    (void)state;
    inlet_drop(inlet);
    if (loop.recv != NULL)
        loop.recv->in_flight = false;
    if (loop.send != NULL)
        loop.send->in_flight = false;
    inlet_bury(&set);
    assert_int_equal(loop.closed, 1);
    assert_int_equal(gone, 1);
    buf_fini(&loop.sent);
    buf_fini(&bodies);
    return 0;
}

/* Turns it into a stream. */
static void stream(void)
{
    static const struct inlet_ops stream_ops = {.closed = went};

    inlet->state = INLET_BUSY;
    inlet_upgrade(inlet, NULL, 0, &stream_ops, NULL);
    finish();
    loop.sends = 0;
    buf_clear(&loop.sent);
}

static void a_frame_is_sent_in_one_piece(void **state)
{
    (void)state;
    stream();
    assert_true(inlet_send(inlet, STR("head "), STR("payload"), FRAME_MAX));
    assert_int_equal(loop.sends, 1);
    finish();
    assert_int_equal(loop.sends, 1);
    assert_true(str_eq(buf_peek(&loop.sent), STR("head payload")));
}

static void only_what_waits_has_a_limit(void **state)
{
    (void)state;
    stream();
    assert_true(inlet_send(inlet, STR("more than "), STR("five"), 5));
    assert_false(inlet_send(inlet, STR(""), STR("x"), 5));
    assert_true(inlet_send(inlet, STR(""), STR("x"), 15));
    finish();
    finish();
    assert_true(str_eq(buf_peek(&loop.sent), STR("more than fivex")));
}

static void bodies_of_a_length_and_in_chunks(void **state)
{
    (void)state;
    give("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12");
    assert_int_equal(buf_len(&bodies), 0);
    give("345");
    finish();
    give("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r");
    give("\nc\r\n0\r\n\r\n");
    finish();
    assert_true(str_eq(buf_peek(&bodies), STR("12345|abc|")));
    buf_clear(&loop.sent);
    give("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n");
    finish();
    assert_true(str_eq(buf_peek(&bodies), STR("12345|abc|")));
    assert_true(str_starts(buf_peek(&loop.sent), STR("HTTP/1.1 413 ")));
}

static void a_body_that_is_too_long(void **state)
{
    (void)state;
    give("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n");
    finish();
    assert_true(str_starts(buf_peek(&loop.sent), STR("HTTP/1.1 413 ")));
    assert_int_equal(buf_len(&bodies), 0);
}

#define CHECK(test) cmocka_unit_test_setup_teardown(test, begin, end)
CHECK_MAIN(CHECK(a_frame_is_sent_in_one_piece), CHECK(only_what_waits_has_a_limit),
           CHECK(bodies_of_a_length_and_in_chunks), CHECK(a_body_that_is_too_long))
