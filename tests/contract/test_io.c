/* What io.h promises, over every implementation. */
#include "io/addr.h"
#include "io/host.h"
#include "lib/io_rig.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define PARTS_TOTAL 300000
#define FLOOD_MAX (64 * 1024 * 1024)
#define QUIET_MS 250

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

/* Sends PARTS_TOTAL bytes from a in gathered parts of all lengths. */
struct writer {
    struct probe p;
    struct io *io;
    struct str parts[IO_PARTS_MAX];
    const uint8_t *bytes;
    size_t sent;
    unsigned rounds;
};

static void writer_go(struct writer *w)
{
    size_t at = w->sent, left = PARTS_TOTAL - w->sent;
    unsigned n = 1 + w->rounds++ % IO_PARTS_MAX, used = 0;

    for (unsigned i = 0; i < n && left > 0; i++) {
        size_t len = MIN(left, (size_t)1 + (w->rounds * 7919 + i * 104729) % 20000);

        w->parts[used++] = (struct str){w->bytes + at, len};
        at += len;
        left -= len;
    }
    if (used > 0)
        io_send(w->io, &w->p.op, w->parts, used);
}

static void writer_sent(struct io_op *op, int result, uint8_t *data)
{
    struct writer *w = CONTAINER_OF(op, struct writer, p.op);

    assert_true(result > 0);
    assert_null(data);
    w->sent += (size_t)result;
    writer_go(w); /* done may submit the op again */
}

/* b sends back what it receives, reading nothing meanwhile. */
struct echo {
    struct io_op recv, send;
    struct io *io;
    struct str rest;
    uint8_t copy[IO_RECV_MAX];
    bool ended;
};

static void echo_sent(struct io_op *op, int result, uint8_t *data)
{
    struct echo *e = CONTAINER_OF(op, struct echo, send);

    (void)data;
    assert_true(result > 0 && (size_t)result <= e->rest.n);
    e->rest = (struct str){e->rest.p + result, e->rest.n - (size_t)result};
    if (e->rest.n > 0)
        io_send(e->io, &e->send, &e->rest, 1);
    else
        io_recv(e->io, &e->recv);
}

static void echo_received(struct io_op *op, int result, uint8_t *data)
{
    struct echo *e = CONTAINER_OF(op, struct echo, recv);

    assert_false(e->send.in_flight);
    if (result <= 0) {
        e->ended = true;
        return;
    }
    assert_true(result <= IO_RECV_MAX);
    memcpy(e->copy, data, (size_t)result);
    memset(data, 0xee, (size_t)result); /* lent, and writable */
    e->rest = (struct str){e->copy, (size_t)result};
    io_send(e->io, &e->send, &e->rest, 1);
}

static void every_byte_comes_back_in_order(void **state)
{
    static uint8_t out[PARTS_TOTAL], in[PARTS_TOTAL];
    static struct echo e;
    struct rig *r = *state;
    struct writer w = {.io = r->io, .bytes = out};
    struct probe reading;
    struct pair pair;

    for (size_t i = 0; i < PARTS_TOTAL; i++)
        out[i] = byte_at(i);
    memset(in, 0, sizeof(in));
    io_rig_pair(r, &pair);
    e = (struct echo){.io = r->io,
                      .recv = {.done = echo_received, .fd = pair.b},
                      .send = {.done = echo_sent, .fd = pair.b}};
    w.p.op = (struct io_op){.done = writer_sent, .fd = pair.a};
    io_rig_probe(&reading, pair.a);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_recv(r->io, &e.recv);
    writer_go(&w);
    io_rig_recv_all(r, &reading, PARTS_TOTAL);
    assert_memory_equal(in, out, PARTS_TOTAL);
    UNTIL(r, !w.p.op.in_flight && e.recv.in_flight);
    assert_true(w.rounds > 5);
    io_close(r->io, pair.a);
    pair.a = -1;
    UNTIL(r, e.ended);
    io_rig_unpair(r, &pair);
}

/* What nobody has received yet goes with the descriptor, to whoever adopts it. */
static void a_released_descriptor_is_adopted_with_its_bytes(void **state)
{
    struct rig *r = *state;
    struct probe sending, reading;
    struct str s = STR("kept");
    uint8_t bytes[4] = {0};
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&sending, pair.a);
    io_send(r->io, &sending.op, &s, 1);
    UNTIL(r, sending.done_n == 1);
    if (r->below != NULL || r->records) {
        assert_int_equal(io_release(r->io, pair.b), -ENOTSUP);
    } else {
        assert_int_equal(io_release(r->io, pair.b), 0);
        assert_int_equal(io_adopt(r->io, pair.b), 0);
    }
    io_rig_probe(&reading, pair.b);
    reading.bytes = bytes;
    reading.size = sizeof(bytes);
    io_rig_recv_all(r, &reading, (size_t)sending.result);
    assert_memory_equal(bytes, "kept", (size_t)sending.result);
    io_rig_unpair(r, &pair);
}

static void an_op_is_never_done_inside_its_call(void **state)
{
    struct rig *r = *state;
    struct probe sending, reading;
    struct str s = STR("x");
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&sending, pair.a);
    io_rig_probe(&reading, pair.b);
    for (int i = 0; i < 3; i++) {
        io_send(r->io, &sending.op, &s, 1);
        assert_int_equal(sending.done_n, i);
        assert_true(sending.op.in_flight);
        UNTIL(r, sending.done_n == i + 1);
        assert_int_equal(sending.result, 1);
    }
    for (int i = 0; i < 100; i++)
        io_rig_turn(r); /* bytes wait before they are asked for */
    io_recv(r->io, &reading.op);
    assert_int_equal(reading.done_n, 0);
    io_cancel(r->io, &reading.op);
    assert_int_equal(reading.done_n, 0);
    UNTIL(r, reading.done_n == 1);
    assert_true(reading.result == -ECANCELED || reading.result > 0);
    io_rig_unpair(r, &pair);
}

static void a_cancelled_recv_is_done_once_and_loses_nothing(void **state)
{
    struct rig *r = *state;
    struct probe sending, reading;
    uint8_t in[16];
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&sending, pair.a);
    io_rig_probe(&reading, pair.b);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_cancel(r->io, &reading.op); /* not in flight: no effect */
    io_recv(r->io, &reading.op);
    for (int i = 0; i < 5; i++)
        io_rig_turn(r);
    assert_int_equal(reading.done_n, 0);
    io_cancel(r->io, &reading.op);
    assert_true(reading.op.in_flight);
    UNTIL(r, reading.done_n == 1);
    assert_int_equal(reading.result, -ECANCELED);
    io_cancel(r->io, &reading.op);
    io_rig_send_all(r, &sending, STR("abc"));
    assert_int_equal(reading.done_n, 1);
    io_rig_recv_all(r, &reading, 3);
    assert_memory_equal(in, "abc", 3);
    io_rig_unpair(r, &pair);
}

static void what_has_its_result_is_not_cancelled(void **state)
{
    struct rig *r = *state;
    struct probe accepting;
    struct io_addr addr;
    int fd = io_rig_listen(r, &addr);

    io_rig_probe(&accepting, fd);
    io_accept(r->io, &accepting.op);
    io_rig_turn(r);
    io_cancel(r->io, &accepting.op);
    io_cancel(r->io, &accepting.op);
    UNTIL(r, accepting.done_n == 1);
    assert_int_equal(accepting.result, -ECANCELED);
    for (int i = 0; i < 5; i++)
        io_rig_turn(r);
    assert_int_equal(accepting.done_n, 1);
    io_close(r->io, fd);
}

static void addresses_tell_both_ends(void **state)
{
    struct rig *r = *state;
    struct io_addr a_peer, b_peer, b_local;
    struct pair pair;

    io_rig_pair(r, &pair);
    io_peer(r->io, pair.a, &a_peer);
    io_peer(r->io, pair.b, &b_peer);
    io_local(r->io, pair.b, &b_local);
    assert_int_equal(a_peer.family, IO_ADDR_IP4);
    assert_int_equal(a_peer.port, b_local.port);
    assert_true(addr_is_loopback(&b_peer));
    assert_int_not_equal(b_peer.port, 0);
    assert_int_not_equal(b_peer.port, b_local.port);
    io_rig_unpair(r, &pair);
}

static void a_port_without_a_listener_refuses(void **state)
{
    struct rig *r = *state;
    struct probe connecting;
    struct io_addr addr, none = {.family = IO_ADDR_NONE};

    io_close(r->io, io_rig_listen(r, &addr)); /* now nobody has this port */
    io_rig_probe(&connecting, -1);
    io_connect(r->io, &connecting.op, &addr);
    assert_int_equal(connecting.done_n, 0);
    UNTIL(r, connecting.done_n == 1);
    assert_int_equal(connecting.result, -ECONNREFUSED);
    assert_true(connecting.op.fd >= 0);
    io_close(r->io, connecting.op.fd);
    io_rig_probe(&connecting, -1);
    io_connect(r->io, &connecting.op, &none);
    io_cancel(r->io, &connecting.op);
    UNTIL(r, connecting.done_n == 1);
    assert_int_equal(connecting.result, -EINVAL);
    assert_int_equal(connecting.op.fd, -1);
}

static void a_port_has_one_listener(void **state)
{
    struct rig *r = *state;
    struct io_addr addr;
    int fd = io_rig_listen(r, &addr), other;

    assert_int_equal(io_listen(r->io, &addr, &other), -EADDRINUSE);
    io_close(r->io, fd);
    assert_int_equal(io_listen(r->io, &addr, &other), 0);
    io_close(r->io, other);
}

static void the_end_of_the_stream_comes_after_the_bytes(void **state)
{
    struct rig *r = *state;
    struct probe sending, reading;
    uint8_t in[16];
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&sending, pair.a);
    io_rig_probe(&reading, pair.b);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_rig_send_all(r, &sending, STR("last words"));
    io_close(r->io, pair.a);
    pair.a = -1;
    io_rig_recv_all(r, &reading, 10);
    assert_memory_equal(in, "last words", 10);
    for (int i = 0; i < 2; i++) { /* and again: it stays the end */
        int done_n = reading.done_n;

        io_recv(r->io, &reading.op);
        UNTIL(r, reading.done_n > done_n);
        assert_int_equal(reading.result, 0);
    }
    io_rig_unpair(r, &pair);
}

/* One end has said everything and still listens. */
static void a_stream_ends_in_one_direction(void **state)
{
    struct rig *r = *state;
    struct probe there, back, reading, answer;
    uint8_t in[16];
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&there, pair.a);
    io_rig_probe(&back, pair.b);
    io_rig_probe(&reading, pair.b);
    io_rig_probe(&answer, pair.a);
    reading.bytes = answer.bytes = in;
    reading.size = answer.size = sizeof(in);
    io_rig_send_all(r, &there, STR("question"));
    io_shutdown(r->io, pair.a);
    io_rig_recv_all(r, &reading, 8);
    io_recv(r->io, &reading.op);
    UNTIL(r, !reading.op.in_flight);
    assert_int_equal(reading.result, 0);
    io_rig_send_all(r, &back, STR("the answer"));
    io_rig_recv_all(r, &answer, 10);
    assert_memory_equal(in, "the answer", 10);
    io_shutdown(r->io, pair.b);
    io_recv(r->io, &answer.op);
    UNTIL(r, !answer.op.in_flight);
    assert_int_equal(answer.result, 0);
    io_rig_unpair(r, &pair);
}

/* Who closes with bytes unread tells the sender that they were lost. */
static void closing_on_unread_bytes_resets(void **state)
{
    struct rig *r = *state;
    struct probe sending, reading;
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&sending, pair.a);
    io_rig_probe(&reading, pair.b);
    io_rig_send_all(r, &sending, STR("ab"));
    for (int i = 0; i < 100; i++)
        io_rig_turn(r);
    io_close(r->io, pair.b);
    pair.b = -1;
    io_rig_probe(&reading, pair.a);
    io_recv(r->io, &reading.op);
    UNTIL(r, reading.done_n == 1);
    assert_int_equal(reading.result, -ECONNRESET);
    for (int i = 0; i < 100 && sending.result >= 0; i++) {
        struct str s = STR("more");
        int done_n = sending.done_n;

        io_send(r->io, &sending.op, &s, 1);
        UNTIL(r, sending.done_n > done_n);
    }
    assert_true(sending.result == -EPIPE || sending.result == -ECONNRESET);
    io_rig_unpair(r, &pair);
}

/* Sends s again and again until something has moved and then nothing for a while. Returns
 * how many bytes the pipe took; p is still in flight. */
static size_t flood(struct rig *r, struct probe *p, const struct str *s)
{
    uint64_t moved_ms = io_now_ms(r->io);
    size_t sent = 0;

    while (sent == 0 || io_now_ms(r->io) < moved_ms + QUIET_MS) {
        int done_n = p->done_n;

        if (!p->op.in_flight)
            io_send(r->io, &p->op, s, 1);
        io_rig_turn(r);
        if (p->done_n > done_n) {
            assert_true(p->result > 0);
            sent += (size_t)p->result;
            moved_ms = io_now_ms(r->io);
        }
        assert_true(sent < FLOOD_MAX);
    }
    assert_true(p->op.in_flight);
    return sent;
}

/* Against a reader that has stopped a send waits, holding nothing but what the
 * pipe takes; it goes on when the reader does, and every byte arrives. */
static void a_send_waits_for_a_stopped_reader(void **state)
{
    static uint8_t block[32 * 1024];
    static struct str s = {block, sizeof(block)};
    struct rig *r = *state;
    struct probe sending, reading;
    size_t sent, received = 0;
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&sending, pair.a);
    io_rig_probe(&reading, pair.b);
    sent = flood(r, &sending, &s);
    while (received < sent) {
        int done_n = reading.done_n, sent_n = sending.done_n;

        io_recv(r->io, &reading.op);
        UNTIL(r, reading.done_n > done_n);
        assert_true(reading.result > 0);
        received += (size_t)reading.result;
        sent += sending.done_n > sent_n ? (size_t)sending.result : 0;
    }
    UNTIL(r, !sending.op.in_flight);
    assert_true(sending.result > 0);
    io_rig_unpair(r, &pair);
}

static void a_waiting_send_can_be_cancelled(void **state)
{
    static uint8_t block[256 * 1024];
    static struct str s = {block, sizeof(block)};
    struct rig *r = *state;
    struct probe sending;
    struct pair pair;

    io_rig_pair(r, &pair);
    io_rig_probe(&sending, pair.a);
    (void)flood(r, &sending, &s);
    io_rig_settle(r, &sending);
    assert_int_equal(sending.result, -ECANCELED);
    io_rig_unpair(r, &pair);
}

struct note {
    struct io_mail mail;
    struct io *io;
    unsigned number;
    unsigned *expected;
};

static void note_deliver(struct io_mail *mail)
{
    struct note *n = CONTAINER_OF(mail, struct note, mail);

    assert_int_equal(n->number, *n->expected);
    ++*n->expected;
    if (n->number == 5) { /* mail may send mail */
        n->number = 8;
        io_post(n->io, &n->mail, &n->mail);
    }
}

/* Posts its notes from the loop itself: to the simulator, mail from outside of a turn is
 * another thread's, which has no order with the loop's own. */
struct notes {
    struct io_mail begin;
    struct note notes[8];
    struct io *io;
    unsigned expected;
};

static void notes_post(struct io_mail *mail)
{
    struct notes *all = CONTAINER_OF(mail, struct notes, begin);
    struct note *notes = all->notes;

    for (unsigned i = 0; i < 3; i++)
        notes[i].mail.next = &notes[i + 1].mail;
    io_post(all->io, &notes[0].mail, &notes[3].mail);
    for (unsigned i = 4; i < 8; i++)
        io_post(all->io, &notes[i].mail, &notes[i].mail);
    assert_int_equal(all->expected, 0);
}

static void mail_to_oneself_comes_in_order_and_later(void **state)
{
    struct rig *r = *state;
    struct notes all = {.begin.deliver = notes_post, .io = r->io};

    for (unsigned i = 0; i < 8; i++) {
        all.notes[i] = (struct note){.io = r->io, .number = i, .expected = &all.expected};
        all.notes[i].mail.deliver = note_deliver;
    }
    io_post(r->io, &all.begin, &all.begin);
    UNTIL(r, all.expected == 9);
}

static void a_loop_delivers_its_mail_before_it_is_freed(void **state)
{
    struct rig *r = *state;
    struct note notes[8];
    unsigned expected = 0;
    struct io *io;

    assert_int_equal(host_io_new(r->host, &io), 0);
    for (unsigned i = 0; i < 8; i++) {
        notes[i] = (struct note){.io = io, .number = i, .expected = &expected};
        notes[i].mail.deliver = note_deliver;
        io_post(io, &notes[i].mail, &notes[i].mail);
    }
    io_free(io);
    assert_int_equal(expected, 9); /* also what mail sent meanwhile */
}

static void time_moves_between_turns_only(void **state)
{
    struct rig *r = *state;
    uint64_t start, wall = io_wall_ms(r->io), us = io_clock_us(r->io);

    assert_true(wall > 1600000000000);
    io_rig_turn(r); /* the time of the turn before may be long ago */
    start = io_now_ms(r->io);
    UNTIL(r, io_now_ms(r->io) >= start + 50);
    assert_true(io_wall_ms(r->io) >= wall + 20);
    assert_true(io_clock_us(r->io) >= us + 20000);
    start = io_now_ms(r->io);
    for (us = io_clock_us(r->io); r->sim == NULL && io_clock_us(r->io) < us + 5000;)
        ;
    assert_int_equal(io_now_ms(r->io), start);
}

static void random_bytes_differ(void **state)
{
    struct rig *r = *state;
    uint8_t a[33] = {0}, b[33] = {0};

    io_random(r->io, a, 32);
    io_random(r->io, b, 32);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(a[32], 0);
}

#define JOBS 500

struct job {
    struct io_job job;
    struct jobs *all;
    unsigned number;
    bool ran;
};

struct jobs {
    struct job jobs[JOBS];
    struct io_helper *helper;
    unsigned ran, home, idle_wanted;
    atomic_uint idle; /* read while the helper's thread runs */
};

static uint64_t jobs_run(void *ctx, struct io_job *chain)
{
    struct jobs *all = ctx;

    if (chain == NULL)
        (void)atomic_fetch_add(&all->idle, 1);
    while (chain != NULL) {
        struct job *j = CONTAINER_OF(chain, struct job, job);
        struct io_mail *next = chain->mail.next;

        assert_int_equal(j->number, all->ran); /* oldest first */
        j->ran = true;
        all->ran++;
        if (chain->home == NULL)
            free(j);
        chain = next == NULL ? NULL : CONTAINER_OF(next, struct io_job, mail);
    }
    return atomic_load(&all->idle) < all->idle_wanted ? 5 : IO_FOREVER;
}

static void job_home(struct io_mail *mail)
{
    struct job *j = CONTAINER_OF(mail, struct job, job.mail);

    assert_true(j->ran);
    j->ran = false;
    j->all->home++;
}

static void jobs_submit(struct rig *r, struct jobs *all)
{
    for (unsigned i = 0; i < JOBS; i++) {
        struct job *j = &all->jobs[i];

        if (i % 10 == 3) { /* nobody is told; run frees it */
            j = calloc(1, sizeof(*j));
            assert_non_null(j);
        }
        j->number = i;
        j->all = all;
        j->job.home = i % 10 == 3 ? NULL : r->io;
        j->job.mail.deliver = job_home;
        host_submit(all->helper, &j->job);
        if (i % 100 == 50)
            io_rig_turn(r);
    }
}

static void jobs_run_in_order_and_come_home_once(void **state)
{
    static struct jobs all;
    struct rig *r = *state;
    struct io_helper_options o = {.name = "jobs", .threads = 1, .run = jobs_run, .ctx = &all};
    uint64_t idle_ms;

    all = (struct jobs){.idle_wanted = 3};
    assert_int_equal(host_helper_new(r->host, &o, &all.helper), 0);
    jobs_submit(r, &all);
    UNTIL(r, all.home == JOBS - JOBS / 10);
    UNTIL(r, atomic_load(&all.idle) >= 3);
    idle_ms = io_now_ms(r->io);
    UNTIL(r, io_now_ms(r->io) >= idle_ms + 100); /* it was not to be called again */
    host_helper_close(all.helper);
    assert_int_equal(all.ran, JOBS);
    assert_int_equal(all.home, JOBS - JOBS / 10);
    assert_int_equal(atomic_load(&all.idle), 3);
}

static void a_closed_helper_runs_what_waits(void **state)
{
    static struct jobs all;
    struct rig *r = *state;
    struct io_helper_options o = {
        .name = "jobs", .threads = 1, .chain_max = 7, .run = jobs_run, .ctx = &all};

    all = (struct jobs){0};
    assert_int_equal(host_helper_new(r->host, &o, &all.helper), 0);
    jobs_submit(r, &all);
    host_helper_close(all.helper);
    assert_int_equal(all.ran, JOBS);
    UNTIL(r, all.home == JOBS - JOBS / 10);
}

/* The bodies over one implementation; PLAIN are those whose outcome is another
 * where TLS lies between the op and the socket: it may have taken bytes already
 * that a cancelled send leaves behind, and it has its own end of a stream. */
#define OVER(rig, body)                                                \
    {                                                                  \
#body "_over_" #rig, body, io_rig_##rig, io_rig_teardown, NULL \
    }
#define EVERY(rig)                                                                               \
    OVER(rig, every_byte_comes_back_in_order),                                                   \
        OVER(rig, a_released_descriptor_is_adopted_with_its_bytes),                              \
        OVER(rig, an_op_is_never_done_inside_its_call),                                          \
        OVER(rig, a_cancelled_recv_is_done_once_and_loses_nothing),                              \
        OVER(rig, what_has_its_result_is_not_cancelled), OVER(rig, addresses_tell_both_ends),    \
        OVER(rig, a_port_without_a_listener_refuses), OVER(rig, a_port_has_one_listener),        \
        OVER(rig, the_end_of_the_stream_comes_after_the_bytes),                                  \
        OVER(rig, a_stream_ends_in_one_direction), OVER(rig, a_send_waits_for_a_stopped_reader), \
        OVER(rig, mail_to_oneself_comes_in_order_and_later),                                     \
        OVER(rig, a_loop_delivers_its_mail_before_it_is_freed),                                  \
        OVER(rig, time_moves_between_turns_only), OVER(rig, random_bytes_differ),                \
        OVER(rig, jobs_run_in_order_and_come_home_once),                                         \
        OVER(rig, a_closed_helper_runs_what_waits)
#define PLAIN(rig) \
    OVER(rig, closing_on_unread_bytes_resets), OVER(rig, a_waiting_send_can_be_cancelled)

CHECK_MAIN(EVERY(epoll), PLAIN(epoll), EVERY(sim), PLAIN(sim), EVERY(faults),
           OVER(faults, a_waiting_send_can_be_cancelled), EVERY(records),
           OVER(records, a_waiting_send_can_be_cancelled), EVERY(tls), EVERY(tls_sim))
