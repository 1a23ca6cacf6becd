/* crowd_state.h: what all connections of a run share (crowd.h). One thread. */
#ifndef BENCH_CROWD_STATE_H
#define BENCH_CROWD_STATE_H

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

struct bench_crowd {
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

#endif
