/* store_fault.h: a store that goes wrong by a seed, around one that does not:
 * requests fail, are late, overtake each other, or are carried out and reported
 * as failed.
 *
 *   submit -> [held a while] -> inner -> [result lost] -> [held a while] -> done
 *
 * For one thread: the simulator's hosts. A request is held for some turns of its
 * home's loop, so that time may stand still meanwhile. */
#ifndef LIB_STORE_FAULT_H
#define LIB_STORE_FAULT_H

#include "store/store.h"

/* Chances are out of 1000. */
struct store_fault_options {
    unsigned fail;      /* nothing is done; STORE_FAILED */
    unsigned lose;      /* appends, puts, counters: it is done; STORE_FAILED */
    unsigned delay;     /* held, before and after, each */
    unsigned turns_max; /* for so many turns at most; at least 1 */
    bool lists;         /* lists of records end as STORE_FAILED, and nothing else does */
    bool full;          /* what would write is answered STORE_FULL */
};

struct store_fault;

/* Takes inner: closing the result closes it too, and what is held ends as
 * STORE_CANCELED. */
struct store_fault *store_fault_new(struct store *inner, uint64_t seed,
                                    struct store_fault_options o) MUST_CHECK;

/* To be used as any store. */
struct store *store_fault_store(struct store_fault *f);

/* From now on: a story that calms down sets all to zero. */
void store_fault_set(struct store_fault *f, struct store_fault_options o);

/* From now on it has a clock of its own, as one that is far away: its Unix time is a
 * loop's monotonic time and clock_ms. */
void store_fault_clock(struct store_fault *f, uint64_t clock_ms);

/* What went wrong so far. */
struct store_fault_counts {
    uint64_t failed, lost, held;
};
struct store_fault_counts store_fault_count(const struct store_fault *f);

#endif
