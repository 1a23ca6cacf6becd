/* What only the real machine has: threads, unix sockets, limits of the kernel,
 * fairness between descriptors. */
#include "io/addr.h"
#include "lib/io_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define POSTERS 4
#define MAILS 20000

struct letter {
    struct io_mail mail;
    unsigned poster, number;
};

static struct letter letters[POSTERS][MAILS];
static unsigned expected[POSTERS], delivered;
static struct io *target;

static void letter_deliver(struct io_mail *mail)
{
    struct letter *l = CONTAINER_OF(mail, struct letter, mail);

    assert_int_equal(l->number, expected[l->poster]);
    expected[l->poster]++;
    delivered++;
}

/* Posts chains of 1 to 5, with pauses so that the loop falls asleep. */
static void *poster_run(void *arg)
{
    struct letter *mine = arg;

    for (unsigned i = 0; i < MAILS;) {
        unsigned n = MIN(1 + i % 5, MAILS - i);

        for (unsigned k = 0; k < n; k++) {
            mine[i + k].number = i + k;
            mine[i + k].mail.deliver = letter_deliver;
            mine[i + k].mail.next = &mine[i + k + 1].mail;
        }
        io_post(target, &mine[i].mail, &mine[i + n - 1].mail);
        i += n;
        if (i % 512 == 0)
            usleep(200);
    }
    return NULL;
}

static void mail_from_threads_is_in_order_and_wakes(void **state)
{
    struct rig *r = *state;
    pthread_t threads[POSTERS];

    target = r->io;
    delivered = 0;
    for (unsigned p = 0; p < POSTERS; p++) {
        expected[p] = 0;
        for (unsigned i = 0; i < MAILS; i++)
            letters[p][i].poster = p;
        assert_int_equal(pthread_create(&threads[p], NULL, poster_run, letters[p]), 0);
    }
    while (delivered < POSTERS * MAILS)
        io_wait(r->io, IO_FOREVER); /* a lost wake-up hangs here */
    for (unsigned p = 0; p < POSTERS; p++)
        assert_int_equal(pthread_join(threads[p], NULL), 0);
    assert_int_equal(delivered, POSTERS * MAILS);
}

static bool counting_turn(void *arg)
{
    unsigned *turns = arg;

    return ++*turns < 7;
}

static void loops_run_until_their_turn_ends_them(void **state)
{
    struct rig *r = *state;
    unsigned turns[2] = {0};

    for (int again = 0; again < 2; again++) {
        turns[0] = turns[1] = 0;
        assert_int_equal(host_start(r->host, r->io, counting_turn, &turns[0]), 0);
        assert_int_equal(host_start(r->host, r->io, counting_turn, &turns[1]), 0);
        host_join(r->host);
        assert_int_equal(turns[0], 7);
        assert_int_equal(turns[1], 7);
    }
}

struct family {
    struct rig *rig;
    unsigned turns;
};

/* Each turn starts another loop. */
static bool starting_turn(void *arg)
{
    struct family *f = arg;

    assert_int_equal(host_start(f->rig->host, f->rig->io, counting_turn, &f->turns), 0);
    return false;
}

static void a_loop_starts_another(void **state)
{
    struct rig *r = *state;
    struct family families[8];

    for (unsigned i = 0; i < COUNTOF(families); i++) {
        families[i] = (struct family){.rig = r};
        assert_int_equal(host_start(r->host, r->io, starting_turn, &families[i]), 0);
    }
    host_join(r->host);
    for (unsigned i = 0; i < COUNTOF(families); i++)
        assert_int_equal(families[i].turns, 7);
}

static uint64_t spread_run(void *ctx, struct io_job *chain)
{
    atomic_uint *ran = ctx;
    unsigned n = 0;

    for (struct io_mail *m = &chain->mail; m != NULL; m = m->next)
        n++;
    assert_in_range(n, 1, 3);
    atomic_fetch_add(ran, n);
    return IO_FOREVER;
}

struct counted {
    struct io_job job;
    unsigned *home_n;
};

static void counted_home(struct io_mail *mail)
{
    ++*CONTAINER_OF(mail, struct counted, job.mail)->home_n;
}

static void threads_of_a_helper_share_jobs_of_two_homes(void **state)
{
    static struct counted jobs[1000];
    struct rig *r = *state;
    atomic_uint ran = 0;
    unsigned home_n[2] = {0};
    struct io_helper_options o = {
        .name = "spread", .threads = 3, .chain_max = 3, .run = spread_run, .ctx = &ran};
    struct io_helper *helper;
    struct io *other;

    assert_int_equal(host_io_new(r->host, &other), 0);
    assert_int_equal(host_helper_new(r->host, &o, &helper), 0);
    for (unsigned i = 0; i < COUNTOF(jobs); i++) {
        jobs[i].home_n = &home_n[i % 2];
        jobs[i].job.home = i % 2 == 0 ? r->io : other;
        jobs[i].job.mail.deliver = counted_home;
        host_submit(helper, &jobs[i].job);
    }
    while (home_n[0] < 500)
        io_wait(r->io, IO_FOREVER);
    while (home_n[1] < 500)
        io_wait(other, IO_FOREVER);
    host_helper_close(helper);
    assert_int_equal(ran, 1000);
    io_free(other);
}

static uint64_t nice_run(void *ctx, struct io_job *chain)
{
    (void)chain;
    atomic_store((atomic_int *)ctx, getpriority(PRIO_PROCESS, 0));
    return IO_FOREVER;
}

static void threads_of_a_nice_helper_give_way(void **state)
{
    struct rig *r = *state;
    unsigned home_n = 0;
    atomic_int seen = 0;
    int mine = getpriority(PRIO_PROCESS, 0);
    struct io_helper_options o = {
        .name = "nice", .threads = 1, .nice = 4, .run = nice_run, .ctx = &seen};
    struct counted one = {.job = {.home = r->io, .mail.deliver = counted_home}, .home_n = &home_n};
    struct io_helper *helper;

    assert_int_equal(host_helper_new(r->host, &o, &helper), 0);
    host_submit(helper, &one.job);
    while (home_n == 0)
        io_wait(r->io, IO_FOREVER);
    host_helper_close(helper);
    assert_int_equal(atomic_load(&seen), MIN(mine + 4, 19));
    assert_int_equal(getpriority(PRIO_PROCESS, 0), mine);
}

struct guarded {
    struct host_lock *lock;
    unsigned n; /* not atomic: the lock has to do */
};

static void *guarded_run(void *arg)
{
    struct guarded *g = arg;

    for (int i = 0; i < 50000; i++) {
        host_lock_take(g->lock);
        g->n++;
        host_lock_drop(g->lock);
    }
    return NULL;
}

static void a_lock_keeps_others_out(void **state)
{
    struct guarded g = {.lock = host_lock_new()};
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, guarded_run, &g), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(g.n, 100000);
    host_lock_free(g.lock);
    host_lock_free(NULL);
}

static void unix_path(char path[static 64], const char *name)
{
    (void)snprintf(path, 64, "/tmp/polylog-test-%d-%s", (int)getpid(), name);
}

static int listen_at(struct rig *r, const char *path, struct io_addr *ret_addr, int *ret_fd)
{
    *ret_addr = (struct io_addr){.family = IO_ADDR_UNIX};
    (void)snprintf(ret_addr->path, sizeof(ret_addr->path), "%s", path);
    return io_listen(r->io, ret_addr, ret_fd);
}

static void unix_sockets_carry_bytes(void **state)
{
    struct rig *r = *state;
    struct probe accepting, connecting, sending, reading;
    uint8_t in[8];
    struct io_addr addr, peer;
    char path[64];
    int fd;

    unix_path(path, "carry");
    assert_int_equal(listen_at(r, path, &addr, &fd), 0);
    io_rig_probe(&accepting, fd);
    io_rig_probe(&connecting, -1);
    io_accept(r->io, &accepting.op);
    io_connect(r->io, &connecting.op, &addr);
    UNTIL(r, accepting.done_n == 1 && connecting.done_n == 1);
    assert_int_equal(connecting.result, 0);
    assert_int_equal(io_adopt(r->io, accepting.result), 0);
    io_peer(r->io, accepting.result, &peer);
    assert_int_equal(peer.family, IO_ADDR_UNIX);
    io_peer(r->io, connecting.op.fd, &peer);
    assert_string_equal(peer.path, path);
    io_rig_probe(&sending, accepting.result);
    io_rig_probe(&reading, connecting.op.fd);
    reading.bytes = in;
    reading.size = sizeof(in);
    io_rig_send_all(r, &sending, STR("hello"));
    io_rig_recv_all(r, &reading, 5);
    assert_memory_equal(in, "hello", 5);
    io_close(r->io, accepting.result);
    io_close(r->io, connecting.op.fd);
    io_close(r->io, fd);
    (void)unlink(path);
}

static void only_a_stale_unix_socket_is_replaced(void **state)
{
    struct rig *r = *state;
    struct io_addr addr;
    char path[64];
    int fd, other;

    unix_path(path, "stale");
    assert_int_equal(listen_at(r, path, &addr, &fd), 0);
    assert_int_equal(listen_at(r, path, &addr, &other), -EADDRINUSE); /* it lives */
    io_close(r->io, fd);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(listen_at(r, path, &addr, &fd), 0);
    io_close(r->io, fd);
    (void)unlink(path);
    other = open(path, O_CREAT | O_WRONLY, 0600); /* a file is never removed */
    assert_true(other >= 0);
    (void)close(other);
    assert_int_equal(listen_at(r, path, &addr, &fd), -EADDRINUSE);
    assert_int_equal(access(path, F_OK), 0);
    (void)unlink(path);
    assert_int_equal(listen_at(r, "/no/such/dir/s", &addr, &fd), -ENOENT);
}

static void every_interface_means_ip4_too(void **state)
{
    struct rig *r = *state;
    struct io_addr addr, bound;
    struct probe accepting, connecting;
    int fd;

    assert_int_equal(addr_parse(STR(":0"), &addr), 0);
    assert_int_equal(io_listen(r->io, &addr, &fd), 0);
    io_local(r->io, fd, &bound);
    assert_int_equal(addr_parse(STR("127.0.0.1:1"), &addr), 0);
    addr.port = bound.port;
    io_rig_probe(&accepting, fd);
    io_rig_probe(&connecting, -1);
    io_accept(r->io, &accepting.op);
    io_connect(r->io, &connecting.op, &addr);
    UNTIL(r, accepting.done_n == 1 && connecting.done_n == 1);
    assert_int_equal(connecting.result, 0);
    assert_int_equal(io_adopt(r->io, accepting.result), 0);
    io_peer(r->io, accepting.result, &bound);
    assert_int_equal(bound.family, IO_ADDR_IP4);
    io_close(r->io, accepting.result);
    io_close(r->io, connecting.op.fd);
    io_close(r->io, fd);
}

/* Out of descriptors is a result that the caller backs off from, and accepting
 * goes on when there are some again, without a new connection's event. */
static void accept_reports_that_descriptors_are_out(void **state)
{
    struct rig *r = *state;
    struct probe accepting, connecting;
    struct rlimit before, none;
    struct io_addr addr;
    int fd = io_rig_listen(r, &addr);

    io_rig_probe(&accepting, fd);
    io_rig_probe(&connecting, -1);
    io_connect(r->io, &connecting.op, &addr);
    UNTIL(r, connecting.done_n == 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)connecting.op.fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    io_accept(r->io, &accepting.op);
    for (int i = 0; i < 100 && accepting.done_n == 0; i++)
        io_rig_turn(r);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(accepting.result, -EMFILE);
    io_accept(r->io, &accepting.op);
    UNTIL(r, accepting.done_n == 2);
    assert_true(accepting.result >= 0);
    (void)close(accepting.result);
    io_close(r->io, connecting.op.fd);
    io_close(r->io, fd);
}

static void descriptors_are_made_fit(void **state)
{
    struct rig *r = *state;
    struct probe accepting, connecting;
    struct io_addr addr;
    int fd = io_rig_listen(r, &addr), one = 0, inherited[2];
    socklen_t n = sizeof(one);

    io_rig_probe(&accepting, fd);
    io_rig_probe(&connecting, -1);
    io_accept(r->io, &accepting.op);
    io_connect(r->io, &connecting.op, &addr);
    UNTIL(r, accepting.done_n == 1 && connecting.done_n == 1);
    assert_int_equal(io_adopt(r->io, accepting.result), 0);
    for (int i = 0; i < 2; i++) {
        int s = i == 0 ? accepting.result : connecting.op.fd;

        assert_int_equal(getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, &n), 0);
        assert_int_equal(one, 1);
        assert_true(fcntl(s, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(s, F_GETFD) & FD_CLOEXEC);
        io_close(r->io, s);
    }
    io_close(r->io, fd);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, inherited), 0);
    assert_int_equal(io_adopt(r->io, inherited[0]), 0);
    assert_true(fcntl(inherited[0], F_GETFL) & O_NONBLOCK);
    io_close(r->io, inherited[0]);
    (void)close(inherited[1]);
    assert_int_equal(io_adopt(r->io, inherited[1]), -EBADF);
}

#define READERS 20
#define READ_EACH (2 * IO_RECV_MAX)

struct reader {
    struct io_op op;
    struct io *io;
    size_t got;
    unsigned *order, *order_n, number;
};

static void reader_done(struct io_op *op, int result, uint8_t *data)
{
    struct reader *rd = CONTAINER_OF(op, struct reader, op);

    (void)data;
    assert_true(result > 0);
    rd->got += (size_t)result;
    rd->order[(*rd->order_n)++] = rd->number;
    if (rd->got < READ_EACH)
        io_recv(rd->io, op);
}

/* A socket with more to read waits behind those that have not been read. */
static void ready_sockets_take_turns(void **state)
{
    static uint8_t block[READ_EACH];
    struct rig *r = *state;
    struct reader readers[READERS];
    unsigned order[READERS * 64], order_n = 0;
    int fds[READERS][2];

    for (unsigned i = 0; i < READERS; i++) {
        int size = 2 * READ_EACH;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
        (void)setsockopt(fds[i][1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        assert_int_equal(io_adopt(r->io, fds[i][0]), 0);
        assert_int_equal(send(fds[i][1], block, READ_EACH, MSG_DONTWAIT), READ_EACH);
        readers[i] = (struct reader){.io = r->io, .order = order, .order_n = &order_n, .number = i};
        readers[i].op = (struct io_op){.done = reader_done, .fd = fds[i][0]};
        io_recv(r->io, &readers[i].op);
    }
    UNTIL(r, order_n >= 2 * READERS);
    for (unsigned i = 0; i < READERS; i++) {
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(order[i], order[k]);
        assert_int_equal(order[READERS + i], order[i]);
    }
    for (unsigned i = 0; i < READERS; i++) {
        io_close(r->io, fds[i][0]);
        (void)close(fds[i][1]);
    }
}

static void counter_done(struct io_op *op, int result, uint8_t *data)
{
    struct reader *rd = CONTAINER_OF(op, struct reader, op);

    (void)data;
    assert_true(result > 0);
    (*rd->order_n)++;
    io_count(rd->io, 300000);
}

/* What received bytes stand for counts: a turn that has unpacked enough is over. */
static void what_is_counted_ends_a_turn(void **state)
{
    struct rig *r = *state;
    struct reader readers[READERS];
    unsigned done_n = 0, turns = 0;
    int fds[READERS][2];

    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
        assert_int_equal(io_adopt(r->io, fds[i][0]), 0);
        assert_int_equal(send(fds[i][1], "x", 1, MSG_DONTWAIT), 1);
        readers[i] = (struct reader){.io = r->io, .order_n = &done_n};
        readers[i].op = (struct io_op){.done = counter_done, .fd = fds[i][0]};
        io_recv(r->io, &readers[i].op);
    }
    while (done_n < READERS) {
        unsigned before = done_n;

        io_rig_turn(r);
        assert_true(done_n - before <= 4);
        turns++;
    }
    assert_true(turns >= READERS / 4);
    for (unsigned i = 0; i < READERS; i++) {
        io_close(r->io, fds[i][0]);
        (void)close(fds[i][1]);
    }
}

#define MEETERS 4
#define MEETINGS (40 * MEETERS)

/* Jobs that a loop submits in one turn, of which each waits until as many run at once
 * as there are threads. */
struct meeting {
    struct io *io;
    struct io_helper *helper;
    struct io_job jobs[MEETINGS];
    atomic_uint running, met;
    unsigned home;
    bool submitted;
};

static struct meeting meeting;

static void meeter_home(struct io_mail *mail)
{
    (void)mail;
    meeting.home++;
}

static uint64_t meet(void *ctx, struct io_job *chain)
{
    struct meeting *m = ctx;

    if (chain == NULL)
        return IO_FOREVER;
    (void)atomic_fetch_add(&m->running, 1);
    for (int ms = 0; ms < 60000 && atomic_load(&m->met) == 0; ms++) { /* a guard */
        if (atomic_load(&m->running) == MEETERS)
            atomic_store(&m->met, 1);
        usleep(1000);
    }
    return IO_FOREVER;
}

static bool meeting_turn(void *arg)
{
    struct meeting *m = arg;

    for (unsigned i = 0; i < MEETINGS && !m->submitted; i++) {
        m->jobs[i] = (struct io_job){.home = m->io, .mail.deliver = meeter_home};
        host_submit(m->helper, &m->jobs[i]);
    }
    m->submitted = true;
    io_wait(m->io, io_now_ms(m->io) + 10);
    return m->home < MEETINGS;
}

/* However many jobs come at once, all threads of the helper work on them. */
static void all_threads_of_a_helper_work(void **state)
{
    struct rig *r = *state;
    struct io_helper_options o = {.name = "meeters",
                                  .threads = MEETERS,
                                  .chain_max = MEETINGS / 2,
                                  .run = meet,
                                  .ctx = &meeting};

    assert_int_equal(host_io_new(r->host, &meeting.io), 0);
    assert_int_equal(host_helper_new(r->host, &o, &meeting.helper), 0);
    assert_int_equal(host_start(r->host, meeting.io, meeting_turn, &meeting), 0);
    host_join(r->host);
    host_helper_close(meeting.helper);
    io_free(meeting.io);
    assert_int_equal(meeting.home, MEETINGS);
    assert_int_equal(atomic_load(&meeting.met), 1);
}

#define ON_EPOLL(body) cmocka_unit_test_setup_teardown(body, io_rig_epoll, io_rig_teardown)

CHECK_MAIN(ON_EPOLL(mail_from_threads_is_in_order_and_wakes),
           ON_EPOLL(loops_run_until_their_turn_ends_them), ON_EPOLL(a_loop_starts_another),
           ON_EPOLL(threads_of_a_helper_share_jobs_of_two_homes),
           ON_EPOLL(threads_of_a_nice_helper_give_way), ON_EPOLL(a_lock_keeps_others_out),
           ON_EPOLL(unix_sockets_carry_bytes), ON_EPOLL(only_a_stale_unix_socket_is_replaced),
           ON_EPOLL(every_interface_means_ip4_too),
           ON_EPOLL(accept_reports_that_descriptors_are_out), ON_EPOLL(descriptors_are_made_fit),
           ON_EPOLL(ready_sockets_take_turns), ON_EPOLL(what_is_counted_ends_a_turn),
           ON_EPOLL(all_threads_of_a_helper_work))
