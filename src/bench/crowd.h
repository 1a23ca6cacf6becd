/* crowd.h: all connections of a run and what they share. One thread.
 *
 * A turn of the run: io_wait (peers hear) -> crowd_turn (what became due is sent,
 * what is to be closed is closed). Peers only note in the lists here that they
 * have something to say or to end, so that a window of messages is one send,
 * and nothing is closed under a callback. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "base/buf.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/wheel.h"
#include "bench/pace.h"
#include "bench/plan.h"
#include "bench/scan.h"
#include "bench/tally.h"
#include "wire/ws.h"

enum { CROWD_WHY_N = 256 };

struct peer;

struct crowd {
    const struct plan *plan;
    struct io *io;
    struct wheel wheel;
    struct rng rng;
    struct tally tally;
    struct ws_rules rules;
    struct scan scan;    /* the frame that is being heard */
    struct buf text;     /* the frame that is being said */
    char **tokens;       /* by person; owned */
    uint64_t *heads;     /* by room: the highest seq that anybody heard of */
    uint32_t *followers; /* by room */
    struct peer *peers;
    uint32_t opened_n;  /* peers that were told to open once */
    uint32_t opening_n; /* of those, not yet live or given up */
    uint32_t live_n;
    uint32_t refused_n;        /* openings that failed */
    char refusal[CROWD_WHY_N]; /* why the last one did */
    struct list ready;         /* publishers whose window may have room */
    struct list said;          /* lines with something to be sent */
    struct list closing;
    bool publishing;
    bool interrupted; /* somebody wants it to end: run.c's */
    struct pace sends, cuts;
    uint32_t next_publisher;
};

/* Aborts when memory is out: the size is the caller's wish. */
void crowd_init(struct crowd *c, const struct plan *plan, struct io *io);

/* Every peer must be down. */
void crowd_fini(struct crowd *c);

/* Opens connections, as many at once as the plan says, until all were opened. */
void crowd_open(struct crowd *c);

/* From now on messages are sent and connections cut as the plan says; or not. */
void crowd_publish(struct crowd *c, bool on);

/* Slow readers stop or start to be slow. */
void crowd_slow(struct crowd *c);

/* What the turn's events have left to do, and what time has made due. */
void crowd_turn(struct crowd *c);

/* When crowd_turn has to be called again at the latest, as io_wait takes it. */
uint64_t crowd_next_ms(const struct crowd *c);

/* Ends all connections; true when none is left. */
bool crowd_close(struct crowd *c);

/* How many entries, or answers, somebody still waits for. */
uint64_t crowd_waiting(const struct crowd *c);

/* Entries that have not arrived, of all connections: what crowd_waiting counts,
 * without answers. */
uint64_t crowd_missing(const struct crowd *c);

/* A message of publisher was shown to somebody, or to itself (own). */
void crowd_shown(struct crowd *c, uint32_t publisher, bool own);

#endif
