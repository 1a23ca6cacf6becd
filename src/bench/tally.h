/* tally.h: what a run has counted. */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "base/base.h"
#include "base/hist.h"

enum { TALLY_ERRORS_MAX = 32, TALLY_CODE_N = 48 };

struct tally_counts {
    uint64_t sends;   /* first attempts */
    uint64_t resends; /* repeated after a reconnect, under the same cid */
    uint64_t acks;
    uint64_t duplicates; /* acks of resends whose first attempt had landed */
    uint64_t deliveries; /* entries shown as events, to all connections */
    uint64_t paged;      /* entries fetched as history after `behind` */
    uint64_t gaps;       /* entries that were never shown */
    uint64_t repeats;    /* entries shown twice or out of order */
    uint64_t casts;      /* events without a place in a log */
    uint64_t foreign;    /* entries of other logs: one's own */
    uint64_t behinds, resets;
    uint64_t drops;        /* connections that the server or the network ended, no other up */
    uint64_t moves;        /* clients that went to another connection before they left one */
    uint64_t move_retries; /* second connections that were of no use */
    uint64_t twins;        /* entries that both connections of one brought */
    uint64_t reconnects;   /* connections that were cut on purpose */
    uint64_t errors;
    uint64_t bytes; /* received */
};

struct tally_error {
    char code[TALLY_CODE_N];
    uint64_t n;
};

struct tally {
    struct tally_counts counts;
    struct hist latency; /* us, from when a message was due to when it was shown */
    struct hist second;  /* the same, since the last line of progress */
    struct hist ack;     /* us, to the acknowledgement */
    struct hist back;    /* ms, from a cut to following everything again */
    struct hist move;    /* ms, from being asked to move to having moved */
    struct tally_error errors[TALLY_ERRORS_MAX];
    size_t errors_n;
};

void tally_init(struct tally *t);

/* Forgets the latencies so far: the measured interval begins. */
void tally_begin(struct tally *t);

/* One more error of that code. With too many different ones, as "other". */
void tally_error(struct tally *t, struct str code);

/* A message was shown; late: by a reader that is slow on purpose, whose
 * latency says nothing about the server. */
void tally_delivery(struct tally *t, uint64_t latency_us, bool late);

#endif
