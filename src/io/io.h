/* io.h: everything that the program asks of the operating system for a turn of
 * a worker: bytes, time, randomness, mail from other threads.
 *
 * Sockets, clocks and threads are named in src/io only. One `struct io` is one
 * worker's loop; a `struct io_host` (io/host.h) makes loops and helper threads.
 * Completion-shaped, so that epoll, io_uring, TLS above either and the
 * simulator all fit; received bytes are lent for the length of the callback, so
 * that an idle connection holds no buffer.
 *
 * Contract, identical for every implementation (tests/contract/test_io.c):
 *  1. an op belongs to the caller, who keeps it, and the bytes it points to,
 *     alive until done is called;
 *  2. done is called exactly once per submission, from io_wait, never from
 *     inside the submitting call; io_wait completes in order of submission the
 *     sends of one descriptor;
 *  3. after io_cancel an op in flight is done once, with its result if it had
 *     one already, else with -ECANCELED; io_close wants nothing in flight on the
 *     descriptor;
 *  4. at most one recv (or accept) and one send (or connect) are in flight per
 *     descriptor; done may submit the op again;
 *  5. mail posted by one thread arrives in the order of posting, and exactly
 *     once; io_post is the only call that another thread may make;
 *  6. time does not run backwards and stands still within a turn: it is sampled
 *     when io_wait returns to its callbacks. */
#ifndef IO_IO_H
#define IO_IO_H

#include "base/base.h"

struct io;
struct io_op;

#define IO_FOREVER UINT64_MAX
/* A gathered send has at most this many parts. */
#define IO_PARTS_MAX 4
/* The most that one recv delivers: bounds a worker's turn. */
#define IO_RECV_MAX (64 * 1024)

/* result: recv and send: bytes moved (recv: 0 is the end of the stream);
 * accept: the new descriptor; connect: 0; or -errno. data: what was received,
 * lent for the call and writable; else NULL. */
typedef void io_done_f(struct io_op *op, int result, uint8_t *data);

struct io_op {
    io_done_f *done;
    int fd;
    /* Private to the implementation. */
    uint8_t parts_n;
    uint8_t kind;
    bool in_flight;
    union {
        const struct str *parts; /* of a send, until it has its result */
        int result;              /* from then on until done */
    };
};

/* An address: IPv4, IPv6 or the path of a unix socket. */
struct io_addr {
    enum { IO_ADDR_NONE, IO_ADDR_IP4, IO_ADDR_IP6, IO_ADDR_UNIX } family;
    uint16_t port;
    uint8_t ip[16]; /* network order; IPv4 in the first 4 */
    char path[108]; /* NUL-terminated; unix only */
};

/* A message between threads. Owned by the receiver from the moment of posting;
 * deliver is called on the receiving loop, in io_wait. */
struct io_mail {
    struct io_mail *next;
    void (*deliver)(struct io_mail *mail);
};

struct io_ops {
    const char *name;
    uint64_t (*now_ms)(struct io *io);
    uint64_t (*wall_ms)(struct io *io);
    uint64_t (*clock_us)(struct io *io);
    void (*random)(struct io *io, uint8_t *p, size_t n);
    int (*listen)(struct io *io, const struct io_addr *addr, int *ret_fd);
    int (*adopt)(struct io *io, int fd);
    int (*release)(struct io *io, int fd);
    void (*accept)(struct io *io, struct io_op *op);
    void (*connect)(struct io *io, struct io_op *op, const struct io_addr *addr);
    void (*recv)(struct io *io, struct io_op *op);
    void (*send)(struct io *io, struct io_op *op);
    void (*cancel)(struct io *io, struct io_op *op);
    void (*shutdown)(struct io *io, int fd);
    void (*close)(struct io *io, int fd);
    void (*peer)(struct io *io, int fd, struct io_addr *ret_addr);
    void (*local)(struct io *io, int fd, struct io_addr *ret_addr);
    void (*wait)(struct io *io, uint64_t until_ms);
    void (*post)(struct io *io, struct io_mail *first, struct io_mail *last);
    void (*free)(struct io *io);
};

/* First member of every implementation's own struct. */
struct io {
    const struct io_ops *ops;
    size_t counted; /* io_count, in this turn */
};

/* Monotonic milliseconds as of this turn. */
static inline uint64_t io_now_ms(struct io *io)
{
    return io->ops->now_ms(io);
}

/* Unix time in milliseconds as of this turn. May step; never a key. */
static inline uint64_t io_wall_ms(struct io *io)
{
    return io->ops->wall_ms(io);
}

/* Monotonic microseconds right now: for measurements only. */
static inline uint64_t io_clock_us(struct io *io)
{
    return io->ops->clock_us(io);
}

/* What was received stands for n bytes more: unpacked, say. They count as received where
 * the loop bounds what it takes in one turn. For the loop itself, not for TLS above it. */
static inline void io_count(struct io *io, size_t n)
{
    io->counted += n;
}

/* n unpredictable bytes (in the simulator: from its seed). */
static inline void io_random(struct io *io, uint8_t *p, size_t n)
{
    io->ops->random(io, p, n);
}

/* Listens on addr (port 0: any free one). A stale unix socket is replaced.
 * 0 and the descriptor, which io_accept takes and io_close closes; or -errno. */
static inline int io_listen(struct io *io, const struct io_addr *addr, int *ret_fd)
{
    return io->ops->listen(io, addr, ret_fd);
}

/* Makes a descriptor known that came from elsewhere: accepted by another loop
 * of the same host, or inherited. 0 or -errno; on failure fd stays the caller's. */
static inline int io_adopt(struct io *io, int fd)
{
    return io->ops->adopt(io, fd);
}

/* Forgets a descriptor on which nothing is in flight, without closing it: another
 * loop of the same host may adopt it, and gets what was not received yet. 0, or
 * -ENOTSUP if it is not to be had alone (TLS): then nothing has changed. */
static inline int io_release(struct io *io, int fd)
{
    return io->ops->release(io, fd);
}

/* Accepts one connection. The new descriptor belongs to no loop yet: io_adopt
 * it on this loop, or on another that it was mailed to. */
static inline void io_accept(struct io *io, struct io_op *op)
{
    assert(!op->in_flight);
    io->ops->accept(io, op);
}

/* Opens a connection to addr: op->fd is set by the call (-1 if that failed) and
 * is the caller's to close, whatever the result. */
static inline void io_connect(struct io *io, struct io_op *op, const struct io_addr *addr)
{
    assert(!op->in_flight);
    io->ops->connect(io, op, addr);
}

/* Waits for bytes from op->fd, at most IO_RECV_MAX at once. */
static inline void io_recv(struct io *io, struct io_op *op)
{
    assert(!op->in_flight);
    io->ops->recv(io, op);
}

/* Sends the parts in order, perhaps only a beginning of them. The array and its
 * bytes stay the caller's, unchanged until done. */
static inline void io_send(struct io *io, struct io_op *op, const struct str *parts,
                           unsigned parts_n)
{
    assert(!op->in_flight && parts_n > 0 && parts_n <= IO_PARTS_MAX);
    op->parts = parts;
    op->parts_n = (uint8_t)parts_n;
    io->ops->send(io, op);
}

/* No effect on an op that is not in flight. */
static inline void io_cancel(struct io *io, struct io_op *op)
{
    if (op->in_flight)
        io->ops->cancel(io, op);
}

/* Ends the stream towards the other end, behind all that was sent; receiving goes
 * on. No send may be in flight, and none may follow. A close while the other end
 * still sends would take away what it has not received yet. */
static inline void io_shutdown(struct io *io, int fd)
{
    io->ops->shutdown(io, fd);
}

/* Closes a descriptor that is adopted, listening or connecting here, or one that
 * was accepted and belongs to no loop yet. */
static inline void io_close(struct io *io, int fd)
{
    io->ops->close(io, fd);
}

/* The other end's address; family IO_ADDR_NONE if there is none. A unix client
 * has an empty path. */
static inline void io_peer(struct io *io, int fd, struct io_addr *ret_addr)
{
    io->ops->peer(io, fd, ret_addr);
}

/* This end's address: which port a listener with port 0 was given. */
static inline void io_local(struct io *io, int fd, struct io_addr *ret_addr)
{
    io->ops->local(io, fd, ret_addr);
}

/* Completes what is ready and delivers mail; blocks until there is something,
 * until_ms has come, or mail arrives. In the simulator it never blocks. */
static inline void io_wait(struct io *io, uint64_t until_ms)
{
    io->ops->wait(io, until_ms);
}

/* Any thread: appends the chain first .. last (linked by next, last->next is
 * overwritten) to io's mailbox and wakes its loop if the box was empty. */
static inline void io_post(struct io *io, struct io_mail *first, struct io_mail *last)
{
    io->ops->post(io, first, last);
}

/* Nothing may be in flight. Mail not yet delivered is delivered first. NULL is
 * fine. */
static inline void io_free(struct io *io)
{
    if (io != NULL)
        io->ops->free(io);
}

#endif
