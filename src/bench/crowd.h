/* crowd.h: all connections of a run and what they share. One thread.
 *
 * A turn of the run: io_wait (peers hear) -> crowd_turn (what became due is sent,
 * what is to be closed is closed). Peers only note in the lists here that they
 * have something to say or to end, so that a window of messages is one send,
 * and nothing is closed under a callback. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "bench/crowd_state.h"

/* Aborts when memory is out: the size is the caller's wish. */
void crowd_init(struct bench_crowd *c, const struct plan *plan, struct io *io);

/* Every peer must be down. */
void crowd_fini(struct bench_crowd *c);

/* Opens connections, as many at once as the plan says, until all were opened. */
void crowd_open(struct bench_crowd *c);

/* From now on messages are sent and connections cut as the plan says; or not. */
void crowd_publish(struct bench_crowd *c, bool on);

/* Slow readers stop or start to be slow. */
void crowd_slow(struct bench_crowd *c);

/* What the turn's events have left to do, and what time has made due. */
void crowd_turn(struct bench_crowd *c);

/* When crowd_turn has to be called again at the latest, as io_wait takes it. */
uint64_t crowd_next_ms(const struct bench_crowd *c);

/* Ends all connections; true when none is left. */
bool crowd_close(struct bench_crowd *c);

/* How many entries, or answers, somebody still waits for. */
uint64_t crowd_waiting(const struct bench_crowd *c);

/* Entries that have not arrived, of all connections: what crowd_waiting counts,
 * without answers. */
uint64_t crowd_missing(const struct bench_crowd *c);

#endif
