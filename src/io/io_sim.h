/* io_sim.h: hosts without an operating system, for tests: one seed, virtual
 * time, no globals, so that several nodes and their clients fit one process.
 *
 * A world holds hosts (one per node, one for the clients). Their loops talk to
 * each other over simulated sockets: an address is a port, whatever the IP.
 * sim_step runs one turn of one loop or one helper's chain, chosen at random
 * among those that have something to do; when none has, time jumps to the next
 * arrival or deadline. Received bytes are lent from a block of exactly their
 * size, so that sanitizers catch overruns. A turn takes some 20 us of virtual
 * time, so that time passes under load, too. Sends are tried in the submitting
 * call or in a later turn; of what is ready a turn completes some, in any order
 * that io.h allows: a receive before the send that it answers, a send before or
 * behind a receive, an operation that was submitted again once more in the same
 * turn, mail before or behind both. Each world draws how patient it is. Mail of
 * one poster keeps its order and mixes with that of others. io_free checks that
 * the loop's descriptors are closed.
 *
 * A connection with records behaves as one over TLS: its bytes come in records, a
 * receive gives at most one of them though more are there, and completes late
 * while a send waits; a send may wait until something is received; and the
 * descriptor is not to be had alone (io_release).
 *
 * Crash of a node: sim_host_crash cuts its connections, frees its ports and
 * loses its queued jobs' effects: run is not called, they are mailed home all
 * the same so that memory can be freed (a job without a home is run: nobody
 * else could free it). Whatever the node tries from then on fails; the test then
 * tears it down as usual. */
#ifndef IO_IO_SIM_H
#define IO_IO_SIM_H

#include "io/host.h"

struct sim;

/* Chances are out of 1000. */
struct sim_faults {
    unsigned short_send; /* a send moves only some of its bytes */
    unsigned split_recv; /* a receive delivers only some of what is there */
    unsigned reset;      /* an operation fails with -ECONNRESET */
    unsigned blocked;    /* a send waits up to 200 ms, as if the reader were slow */
    unsigned latency_ms; /* bytes and connections arrive up to this much later */
    unsigned job_ms;     /* a helper starts a chain up to this much later */
    unsigned records;    /* a connection has records */
};

struct sim *sim_new(uint64_t seed, struct sim_faults faults) MUST_CHECK;
void sim_free(struct sim *s);

/* Faults from now on: a story that calms down sets them to zero. */
void sim_set_faults(struct sim *s, struct sim_faults faults);

/* A host in the world. Freed with host_free. */
struct io_host *sim_host_new(struct sim *s) MUST_CHECK;
void sim_host_crash(struct io_host *h);

/* Its helpers' work takes so much longer: what they do is far away. */
void sim_host_far(struct io_host *h, unsigned ms);

/* It stands still for so long, as a process that is stopped does. */
void sim_host_freeze(struct io_host *h, uint64_t ms);

/* Its wall clock is wrong by so much from now on, and ever more: it gains ppm
 * microseconds a second. */
void sim_host_clock(struct io_host *h, int64_t ms, int ppm);

/* Runs one thing, or lets time pass until there is one to run. False if nothing
 * can ever happen again. Only loops that host_start was called for get turns. */
bool sim_step(struct sim *s) MUST_CHECK;

/* Virtual milliseconds since the world began; a right wall clock is this plus
 * SIM_WALL_MS. */
#define SIM_WALL_MS UINT64_C(1700000000000)
uint64_t sim_now_ms(const struct sim *s);

/* Bytes that a socket's receiver has not taken yet before its sender is blocked
 * (default 64 KiB): a small pipe makes slow readers. */
void sim_set_pipe_max(struct sim *s, size_t bytes);

#endif
