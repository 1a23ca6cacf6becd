/* The deadlines of a WebSocket, in virtual time. */
#include "server/ws/door_ws.h"

#include "base/str.h"
#include "lib/worker_rig.h"

#define BEGIN_MS 5400

/* The other end: what it was sent, and when. */
static struct worker_rig rig;
static struct conn *c;
static struct io_op *receiving;
static uint64_t pings[64];
static unsigned pings_n;
static bool closed;

static int adopt(struct io *io, int fd)
{
    (void)io;
    return fd == 7 ? 0 : -1;
}

static void receive(struct io *io, struct io_op *op)
{
    (void)io;
    op->in_flight = true;
    receiving = op;
}

static void ignore(struct io *io, struct io_op *op)
{
    (void)io;
    (void)op;
}

static void close_fd(struct io *io, int fd)
{
    (void)io;
    (void)fd;
}

static uint64_t now_ms(struct io *io)
{
    return CONTAINER_OF(io, struct worker_rig, io)->now_ms;
}

static void begin(void)
{
    static const struct io_ops ops = {.name = "peer",
                                      .now_ms = now_ms,
                                      .wall_ms = now_ms,
                                      .adopt = adopt,
                                      .recv = receive,
                                      .cancel = ignore,
                                      .close = close_fd};
    static const struct door none = {.name = "none"};

    worker_rig_init(&rig);
    rig.now_ms = BEGIN_MS;
    rig.io.ops = &ops;
    wheel_init(&rig.worker.wheel, rig.now_ms);
    pool_init(&rig.worker.conn_pool, sizeof(struct conn));
    pool_init(&rig.worker.follower_pool, sizeof(struct conn_follower));
    pings_n = 0;
    closed = false;
    c = conn_open(&rig.worker, 7, false, &none);
    assert_non_null(c);
    door_ws_begin(c, 0);
}

static void hear(const char *frame, size_t n)
{
    static uint8_t bytes[64];

    memcpy(bytes, frame, n);
    receiving->in_flight = false;
    receiving->done(receiving, (int)n, bytes);
}

/* A masked pong of nothing. */
#define PONG "\x8a\x80\0\0\0\0"

/* Time passes; a ping is answered after `answers_ms`, if that is not 0. */
static void pass(uint64_t until_ms, uint64_t answers_ms)
{
    while (rig.now_ms < until_ms && !closed) {
        rig.now_ms++;
        wheel_advance(&rig.worker.wheel, rig.now_ms);
        if (c->state != CONN_OPEN) {
            closed = true;
        } else if (c->out != NULL && buf_len(c->out) > 0) {
            assert_int_equal(buf_peek(c->out).p[0], 0x89);
            pings[pings_n++] = rig.now_ms;
            buf_clear(c->out);
        }
        if (!closed && answers_ms > 0 && pings_n > 0 &&
            rig.now_ms == pings[pings_n - 1] + answers_ms)
            hear(PONG, 6);
    }
}

static void end(void)
{
    if (!closed)
        conn_drop(c, METRIC_close_gone);
    receiving->in_flight = false;
    conn_drop(c, METRIC_close_gone);
    conn_bury(&rig.worker);
    conn_fini(&rig.worker);
    worker_rig_fini(&rig);
}

/* Every ping comes an interval after what was heard last, not a second more or less: the
 * second one too, and those behind it. */
static void pings_come_at_their_interval(void **state)
{
    static const uint64_t intervals_ms[] = {2000, 2500, 25000, 300};

    (void)state;
    for (size_t i = 0; i < COUNTOF(intervals_ms); i++) {
        uint64_t heard = BEGIN_MS, ms = intervals_ms[i];

        begin();
        rig.conf.ping_interval_ms = ms;
        rig.conf.dead_after_ms = 60000;
        conn_timer(c, rig.now_ms);
        pass(BEGIN_MS + 11 * (ms + 50), 50);
        assert_false(closed);
        assert_true(pings_n >= 10);
        for (unsigned n = 0; n < pings_n; n++) {
            assert_int_equal(pings[n] - heard, ms);
            heard = pings[n] + 50;
        }
        end();
    }
}

/* Silence ends it dead-after from when it was heard last, whatever was pinged when. */
static void silence_ends_it_in_time(void **state)
{
    (void)state;
    begin();
    rig.conf.ping_interval_ms = 2000;
    rig.conf.dead_after_ms = 5000;
    conn_timer(c, rig.now_ms);
    pass(BEGIN_MS + 20000, 0);
    assert_true(closed);
    assert_int_equal(pings_n, 1);
    assert_int_equal(rig.now_ms - BEGIN_MS, 5000);
    end();
}

/* Who does not log in is told so in time, pings or not. */
static void a_login_is_waited_for_so_long(void **state)
{
    (void)state;
    begin();
    rig.conf.ping_interval_ms = 1000;
    rig.conf.auth_timeout_ms = 10000;
    conn_timer(c, rig.now_ms);
    pass(BEGIN_MS + 30000, 20);
    assert_true(closed);
    assert_in_range(rig.now_ms - BEGIN_MS, 10000, 11000);
    assert_true(pings_n >= 4);
    end();
}

CHECK_MAIN(cmocka_unit_test(pings_come_at_their_interval),
           cmocka_unit_test(silence_ends_it_in_time),
           cmocka_unit_test(a_login_is_waited_for_so_long))
