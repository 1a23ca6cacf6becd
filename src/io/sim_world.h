/* sim_world.h: what the simulator's files share (io/io_sim.h is its interface).
 *
 *   sim.c       the world: chance, time, whose turn it is
 *   sim_io.c    a loop: struct io, turns, mail
 *   sim_net.c   sockets: pipes with arrival times, listeners
 *   sim_host.c  a node: its loops, helpers, crash */
#ifndef IO_SIM_WORLD_H
#define IO_SIM_WORLD_H

#include "io/io_sim.h"
#include "io/job_batch.h"
#include "io/op_queue.h"

#include "base/buf.h"
#include "base/list.h"

struct sim_loop;
struct sim_host;

/* Bytes that arrive together. */
struct sim_segment {
    uint64_t at_ms;
    size_t n;
};

/* One end of a connection, or a listener. */
struct sim_sock {
    int fd;
    bool listening;
    struct sim_host *host;
    struct sim_loop *loop; /* NULL: accepted, and adopted by nobody yet */
    struct sim_sock *peer; /* NULL: closed, or never there */
    struct io_addr local, remote;
    struct io_op *in, *out; /* what waits here */
    /* What comes in: bytes cut into segments, then perhaps an end. */
    struct buf bytes;
    struct sim_segment *segments;
    size_t segments_n, segments_cap;
    enum { SIM_OPEN, SIM_EOF, SIM_RESET } end;
    uint64_t end_ms;
    uint64_t blocked_ms; /* sends wait until then */
    bool broken;         /* bytes were sent to a closed peer */
    bool records;        /* behaves as over TLS */
    bool connecting;
    int connect_result;
    uint64_t arrives_ms; /* the connection itself, at either end */
    /* A listener's connections that wait; what waits is linked by node. */
    struct list backlog, node;
};

/* Mail from one poster, in order. */
struct sim_box {
    struct sim_box *next;
    uint64_t poster;
    struct io_mail *first, *last;
    size_t n;
};

struct sim_loop {
    struct io io;
    struct list node; /* in the world */
    struct sim *sim;
    struct sim_host *host;
    uint64_t id; /* as a poster */
    uint64_t now_us, until_ms;
    bool awake; /* the last wait had something to do: the next one may ask for another time */
    bool (*turn)(void *arg); /* NULL: not started, or ended */
    void *arg;
    struct op_queue done, running; /* running: what this turn is telling */
    struct sim_box *boxes;
    unsigned socks_n;
};

struct sim_helper {
    struct io_helper helper;
    struct list node; /* in the world */
    struct sim_host *host;
    struct io_helper_options o;
    uint64_t id; /* its threads post as id, id + 1, ... */
    struct io_job *first, *last;
    size_t jobs_n;
    uint64_t start_ms, idle_ms; /* when the next chain, the next idle call is due */
    struct job_batch batch;
};

struct sim_host {
    struct io_host host;
    struct sim *sim;
    unsigned number, loops_n, helpers_n;
    unsigned far_ms;  /* its helpers' work takes so much longer */
    int64_t clock_ms; /* its wall clock was ahead by so much at clock_set_ms, */
    int clock_ppm;    /* and gains this since */
    uint64_t clock_set_ms;
    uint64_t frozen_until_ms;
    bool crashed;
};

struct sim {
    uint64_t rng, now_us;
    unsigned ready, later; /* chances that a turn does what is ready; that a result waits */
    struct sim_faults faults;
    size_t pipe_max;
    struct list loops, helpers;
    struct sim_sock **socks; /* indexed by descriptor */
    int socks_n;
    uint16_t port; /* the last that was chosen */
    unsigned hosts_n, hosts_alive;
    uint64_t ids;
    uint64_t poster; /* whose turn it is; 0: the test's */
};

/* A number below n; n must not be 0. */
uint64_t sim_below(struct sim *s, uint64_t n);
bool sim_chance(struct sim *s, unsigned per_mille);

/* A moment from now on, at most max_ms later. */
uint64_t sim_later_ms(struct sim *s, unsigned max_ms);

int sim_io_new(struct sim_host *h, struct io **ret_io) MUST_CHECK;
struct sim_loop *sim_io_loop(struct io *io);

/* When the loop has something to do: a time that has passed, or is to come, or
 * IO_FOREVER. */
uint64_t sim_io_next_ms(struct sim_loop *l);

/* Has an op on the descriptor its result, and was not told yet? */
bool sim_io_is_done_pending(const struct sim_loop *l, int fd);

/* The sockets' part of struct io_ops. */
int sim_net_listen(struct sim_loop *l, const struct io_addr *addr, int *ret_fd);
int sim_net_adopt(struct sim_loop *l, int fd);
int sim_net_release(struct sim_loop *l, int fd);
void sim_net_connect(struct sim_loop *l, struct io_op *op, const struct io_addr *addr);
void sim_net_wait_in(struct sim_loop *l, struct io_op *op, uint8_t kind);
void sim_net_send(struct sim_loop *l, struct io_op *op);
void sim_net_cancel(struct sim_loop *l, struct io_op *op);
void sim_net_shutdown(struct sim_loop *l, int fd);
void sim_net_close(struct sim_loop *l, int fd);
struct sim_sock *sim_net_sock(struct sim *s, int fd);

/* Completes some of what is ready on the loop's sockets. */
void sim_net_turn(struct sim_loop *l);
uint64_t sim_net_next_ms(const struct sim_loop *l);

/* Cuts every connection of the host, and lets go of its ports. */
void sim_net_crash(struct sim_host *h);
void sim_net_fini(struct sim *s);

/* Runs one chain, or the idle call. */
void sim_host_run(struct sim_helper *p);
uint64_t sim_host_next_ms(const struct sim_helper *p);

#endif
