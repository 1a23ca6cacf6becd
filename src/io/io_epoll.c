#include "io/io_epoll.h"

#include "base/mem.h"
#include "io/mailbox.h"
#include "io/net.h"
#include "io/op_queue.h"
#include "io/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define WATCHES_MIN 256
#define READY_MIN 256
/* What one io_wait receives at most before it looks at the rest again. */
#define TURN_RECVS_MAX 256
#define TURN_BYTES_MAX (1024 * 1024)
#define WAKE_FD -1

/* Registered once, for everything: what epoll said is remembered per descriptor
 * until a call to the kernel finds nothing more. */
#define INTEREST ((uint32_t)EPOLLIN | (uint32_t)EPOLLOUT | (uint32_t)EPOLLRDHUP | (uint32_t)EPOLLET)
#define EVENTS_HUNG ((uint32_t)EPOLLRDHUP | (uint32_t)EPOLLHUP | (uint32_t)EPOLLERR)
#define EVENTS_IN ((uint32_t)EPOLLIN | EVENTS_HUNG)
#define EVENTS_OUT ((uint32_t)EPOLLOUT | (uint32_t)EPOLLHUP | (uint32_t)EPOLLERR)

/* One descriptor. A send that the kernel took at once never touches it. */
struct epoll_watch {
    struct io_op *in;  /* the recv or accept that waits */
    struct io_op *out; /* the send or connect that waits for room */
};

/* Of the same, apart: behind two pointers a byte would cost eight. */
struct flags {
    bool open : 1;
    bool readable : 1; /* as far as known */
    bool hung : 1;     /* the other end has finished: a short read is not the last */
    bool queued : 1;   /* in the ring of ready ones */
};

struct io_epoll {
    struct io io;
    int epfd, wakefd;
    uint64_t now_ms, wall_ms;
    struct op_queue done;
    struct epoll_watch *watches; /* indexed by descriptor */
    struct flags *flags;         /* the same */
    uint32_t watches_n;          /* of both; a power of two */
    int *ready;                  /* a ring: descriptors with a recv that may succeed, each once */
    uint32_t ready_cap;          /* 0 or a power of two */
    uint32_t ready_at, ready_n;
    uint8_t *recv_buf;
    struct mailbox mailbox;
};

static struct io_epoll *io_epoll_self(struct io *io)
{
    return CONTAINER_OF(io, struct io_epoll, io);
}

static void sample_time(struct io_epoll *e)
{
    e->now_ms = process_clock_us() / 1000;
    e->wall_ms = process_wall_ms();
}

static uint64_t epoll_now_ms(struct io *io)
{
    return io_epoll_self(io)->now_ms;
}

static uint64_t epoll_wall_ms(struct io *io)
{
    return io_epoll_self(io)->wall_ms;
}

static uint64_t epoll_clock_us(struct io *io)
{
    (void)io;
    return process_clock_us();
}

static void epoll_random(struct io *io, uint8_t *p, size_t n)
{
    (void)io;
    process_random(p, n);
}

/* Makes the tables larger than fd. Aborts when memory is out. */
static void io_epoll_grow(struct io_epoll *e, int fd)
{
    uint32_t n = MAX(e->watches_n, (uint32_t)WATCHES_MIN);
    struct epoll_watch *watches;
    struct flags *flags;

    while (n <= (uint32_t)fd)
        n *= 2;
    watches = realloc(e->watches, n * sizeof(*watches));
    flags = realloc(e->flags, n * sizeof(*flags));
    if (watches == NULL || flags == NULL)
        abort();
    memset(watches + e->watches_n, 0, (n - e->watches_n) * sizeof(*watches));
    memset(flags + e->watches_n, 0, (n - e->watches_n) * sizeof(*flags));
    e->watches = watches;
    e->flags = flags;
    e->watches_n = n;
}

/* Makes the ring larger: few descriptors are ready at once. Aborts when memory is out. */
static void ready_grow(struct io_epoll *e)
{
    uint32_t n = MAX(e->ready_cap * 2, (uint32_t)READY_MIN);
    int *ready = mem_bytes(n * sizeof(*ready));

    for (uint32_t i = 0; i < e->ready_n; i++)
        ready[i] = e->ready[(e->ready_at + i) & (e->ready_cap - 1)];
    free(e->ready);
    e->ready = ready;
    e->ready_cap = n;
    e->ready_at = 0;
}

static struct epoll_watch *watch_of(struct io_epoll *e, int fd)
{
    assert(fd >= 0 && (uint32_t)fd < e->watches_n && e->flags[fd].open);
    return &e->watches[fd];
}

static int watch_new(struct io_epoll *e, int fd)
{
    struct epoll_event ev = {.events = INTEREST, .data.fd = fd};
    bool queued;

    if ((uint32_t)fd >= e->watches_n)
        io_epoll_grow(e, fd);
    assert(!e->flags[fd].open);
    if (epoll_ctl(e->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
        return -errno;
    queued = e->flags[fd].queued; /* left from a closed one: it is in the ring */
    e->watches[fd] = (struct epoll_watch){0};
    e->flags[fd] = (struct flags){.open = true, .queued = queued};
    return 0;
}

static void ready_push(struct io_epoll *e, int fd)
{
    if (e->flags[fd].queued)
        return;
    if (e->ready_n == e->ready_cap)
        ready_grow(e);
    e->flags[fd].queued = true;
    e->ready[(e->ready_at + e->ready_n++) & (e->ready_cap - 1)] = fd;
}

static int epoll_listen(struct io *io, const struct io_addr *addr, int *ret_fd)
{
    int fd, r;

    fd = net_listen(addr);
    if (fd < 0)
        return fd;
    r = watch_new(io_epoll_self(io), fd);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int epoll_adopt(struct io *io, int fd)
{
    int r = net_prepare(fd);

    return r < 0 ? r : watch_new(io_epoll_self(io), fd);
}

static int epoll_release(struct io *io, int fd)
{
    struct io_epoll *e = io_epoll_self(io);
    struct epoll_watch *w = watch_of(e, fd);

    assert(w->in == NULL && w->out == NULL);
    if (epoll_ctl(e->epfd, EPOLL_CTL_DEL, fd, NULL) < 0)
        return -errno;
    e->flags[fd].open = e->flags[fd].readable = false;
    return 0;
}

static void wait_for_input(struct io_epoll *e, struct io_op *op, uint8_t kind)
{
    struct epoll_watch *w = watch_of(e, op->fd);

    assert(w->in == NULL);
    op->in_flight = true;
    op->kind = kind;
    w->in = op;
    if (e->flags[op->fd].readable)
        ready_push(e, op->fd);
}

static void epoll_accept(struct io *io, struct io_op *op)
{
    wait_for_input(io_epoll_self(io), op, OP_ACCEPT);
}

static void epoll_recv(struct io *io, struct io_op *op)
{
    wait_for_input(io_epoll_self(io), op, OP_RECV);
}

static void epoll_connect(struct io *io, struct io_op *op, const struct io_addr *addr)
{
    struct io_epoll *e = io_epoll_self(io);
    int result, r;

    op->in_flight = true;
    op->kind = OP_CONNECT;
    result = net_connect(addr, &op->fd);
    r = op->fd < 0 ? 0 : watch_new(e, op->fd);
    if (r < 0) {
        (void)close(op->fd);
        op->fd = -1;
        result = r;
    }
    if (result == -EINPROGRESS)
        e->watches[op->fd].out = op;
    else
        op_queue_push(&e->done, op, result);
}

static ssize_t send_parts(const struct io_op *op)
{
    struct iovec iov[IO_PARTS_MAX];
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = op->parts_n};

    for (unsigned i = 0; i < op->parts_n; i++) {
        union {
            const void *from;
            void *to;
        } p = {.from = op->parts[i].p}; /* sendmsg only reads */

        iov[i] = (struct iovec){.iov_base = p.to, .iov_len = op->parts[i].n};
    }
    return sendmsg(op->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Bytes sent, or -errno. */
static int send_now(const struct io_op *op)
{
    ssize_t n;

    do
        n = op->parts_n > 1
                ? send_parts(op)
                : send(op->fd, op->parts[0].p, op->parts[0].n, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

static void epoll_send(struct io *io, struct io_op *op)
{
    struct io_epoll *e = io_epoll_self(io);
    int result = send_now(op);

    op->in_flight = true;
    op->kind = OP_SEND;
    if (result == -EAGAIN)
        watch_of(e, op->fd)->out = op;
    else
        op_queue_push(&e->done, op, result);
}

static void epoll_cancel(struct io *io, struct io_op *op)
{
    struct io_epoll *e = io_epoll_self(io);
    struct epoll_watch *w;

    if (op->fd < 0)
        return; /* a connect that failed at once */
    w = watch_of(e, op->fd);
    if (w->in == op)
        w->in = NULL;
    else if (w->out == op)
        w->out = NULL;
    else
        return; /* it has its result */
    op_queue_push(&e->done, op, -ECANCELED);
}

static void epoll_shutdown(struct io *io, int fd)
{
    assert(watch_of(io_epoll_self(io), fd)->out == NULL);
    (void)shutdown(fd, SHUT_WR); /* a connection that is gone has ended already */
}

static void epoll_close(struct io *io, int fd)
{
    struct io_epoll *e = io_epoll_self(io);

    if ((uint32_t)fd < e->watches_n && e->flags[fd].open) {
        assert(e->watches[fd].in == NULL && e->watches[fd].out == NULL);
        e->flags[fd].open = e->flags[fd].readable = false;
    }
    (void)close(fd);
}

static void epoll_peer(struct io *io, int fd, struct io_addr *ret_addr)
{
    (void)io;
    net_peer(fd, ret_addr);
}

static void epoll_local(struct io *io, int fd, struct io_addr *ret_addr)
{
    (void)io;
    net_local(fd, ret_addr);
}

/* w->out may go on: the result, or still -EAGAIN. */
static int retry_out(const struct io_op *op)
{
    return op->kind == OP_CONNECT ? net_connected(op->fd) : send_now(op);
}

/* Takes one event down. Calls nobody back, so that no descriptor can be closed
 * and its number used again while events of the old one are still to come. */
static void note(struct io_epoll *e, const struct epoll_event *ev)
{
    struct epoll_watch *w;
    struct flags *flags;

    if (ev->data.fd == WAKE_FD)
        return; /* edge-triggered: nobody has to read it */
    w = &e->watches[ev->data.fd];
    flags = &e->flags[ev->data.fd];
    if (!flags->open)
        return;
    if (ev->events & EVENTS_IN) {
        flags->readable = true;
        flags->hung = flags->hung || (ev->events & EVENTS_HUNG) != 0;
        if (w->in != NULL)
            ready_push(e, ev->data.fd);
    }
    if (w->out != NULL && (ev->events & EVENTS_OUT)) {
        struct io_op *op = w->out;
        int result = retry_out(op);

        if (result == -EAGAIN)
            return;
        w->out = NULL;
        op_queue_push(&e->done, op, result);
    }
}

static int receive(struct io_epoll *e, int fd)
{
    ssize_t n;

    do
        n = recv(fd, e->recv_buf, IO_RECV_MAX, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (n < IO_RECV_MAX && !e->flags[fd].hung)
        e->flags[fd].readable = false; /* more would be a new event */
    return (int)n;
}

/* The recv or accept of one ready descriptor. Returns the bytes moved. */
static size_t complete_input(struct io_epoll *e, int fd)
{
    struct epoll_watch *w = &e->watches[fd];
    struct io_op *op = w->in;
    bool is_recv;
    int result;

    e->flags[fd].queued = false;
    if (!e->flags[fd].readable || op == NULL)
        return 0;
    is_recv = op->kind == OP_RECV;
    result = is_recv ? receive(e, fd) : net_accept(fd);
    if (result == -EAGAIN) {
        e->flags[fd].readable = false;
        return 0;
    }
    w->in = NULL;
    op->in_flight = false;
    op->done(op, result, is_recv && result > 0 ? e->recv_buf : NULL);
    return is_recv && result > 0 ? (size_t)result : 0;
}

/* In turn, those that ask again behind the others. */
static void run_ready(struct io_epoll *e)
{
    size_t bytes = 0;

    e->io.counted = 0;
    for (int i = 0; i < TURN_RECVS_MAX && bytes < TURN_BYTES_MAX && e->ready_n > 0; i++) {
        int fd = e->ready[e->ready_at];

        e->ready_at = (e->ready_at + 1) & (e->ready_cap - 1);
        e->ready_n--;
        bytes += complete_input(e, fd) + e->io.counted;
        e->io.counted = 0;
    }
}

/* How long epoll may block; 0 if there is something to do already. */
static int timeout_of(struct io_epoll *e, uint64_t until_ms)
{
    uint64_t now;

    if (e->done.n > 0 || e->ready_n > 0 || until_ms <= e->now_ms)
        return 0;
    now = process_clock_us() / 1000; /* now_ms is as old as the turn */
    if (until_ms <= now || !mailbox_may_sleep(&e->mailbox))
        return 0;
    if (until_ms == IO_FOREVER)
        return -1;
    return (int)MIN(until_ms - now, (uint64_t)INT32_MAX);
}

static void epoll_wait_turn(struct io *io, uint64_t until_ms)
{
    struct io_epoll *e = io_epoll_self(io);
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(e->epfd, events, EVENTS_MAX, timeout_of(e, until_ms));

    mailbox_woke(&e->mailbox);
    sample_time(e);
    for (int i = 0; i < n; i++)
        note(e, &events[i]);
    op_queue_run(&e->done);
    run_ready(e);
    (void)mailbox_deliver(&e->mailbox);
}

static void epoll_post(struct io *io, struct io_mail *first, struct io_mail *last)
{
    struct io_epoll *e = io_epoll_self(io);

    if (mailbox_post(&e->mailbox, first, last))
        (void)eventfd_write(e->wakefd, 1);
}

static void epoll_free(struct io *io)
{
    struct io_epoll *e = io_epoll_self(io);

    while (mailbox_deliver(&e->mailbox))
        ;
    assert(e->done.n == 0);
    if (e->epfd >= 0)
        (void)close(e->epfd);
    if (e->wakefd >= 0)
        (void)close(e->wakefd);
    op_queue_fini(&e->done);
    free(e->watches);
    free(e->flags);
    free(e->ready);
    free(e->recv_buf);
    free(e);
}

static const struct io_ops epoll_ops = {
    .name = "epoll",
    .now_ms = epoll_now_ms,
    .wall_ms = epoll_wall_ms,
    .clock_us = epoll_clock_us,
    .random = epoll_random,
    .listen = epoll_listen,
    .adopt = epoll_adopt,
    .release = epoll_release,
    .accept = epoll_accept,
    .connect = epoll_connect,
    .recv = epoll_recv,
    .send = epoll_send,
    .cancel = epoll_cancel,
    .shutdown = epoll_shutdown,
    .close = epoll_close,
    .peer = epoll_peer,
    .local = epoll_local,
    .wait = epoll_wait_turn,
    .post = epoll_post,
    .free = epoll_free,
};

int io_epoll_new(struct io **ret_io)
{
    struct io_epoll *e = aligned_alloc(_Alignof(struct io_epoll), sizeof(*e));
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.fd = WAKE_FD};
    int r;

    if (e == NULL)
        return -ENOMEM;
    memset(e, 0, sizeof(*e));
    e->io.ops = &epoll_ops;
    e->epfd = epoll_create1(EPOLL_CLOEXEC);
    e->wakefd = e->epfd < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    e->recv_buf = malloc(IO_RECV_MAX);
    sample_time(e);
    if (e->wakefd >= 0 && e->recv_buf != NULL &&
        epoll_ctl(e->epfd, EPOLL_CTL_ADD, e->wakefd, &wake) == 0) {
        *ret_io = &e->io;
        return 0;
    }
    r = e->recv_buf == NULL ? -ENOMEM : -errno;
    epoll_free(&e->io);
    return r;
}
