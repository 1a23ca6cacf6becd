/* report.h: what came out of a run, for people and as JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "base/buf.h"
#include "bench/plan.h"
#include "bench/tally.h"

#include <stdio.h>

/* CPU times are of the processes that were watched, all together. */
struct report {
    const struct plan *plan;
    const struct tally *tally;
    struct tally_counts measured; /* of the measured interval */
    uint64_t measured_us;
    uint64_t login_us, open_us, settle_us;
    bool watched; /* there were processes to watch: */
    uint64_t open_cpu_ns;
    uint64_t cpu_ns, user_ms, system_ms;
    uint64_t resident_bytes; /* at the end of the interval */
    int64_t open_bytes;      /* of private memory, by opening all connections */
    uint64_t own_cpu_ns;     /* of the load generator, in the interval */
    bool interrupted;        /* the interval is shorter than planned */
    uint64_t missing;        /* entries that had not come when the wait was over */
};

/* Gaps, repeats or missing entries: the server broke its promise. */
bool report_broken(const struct report *r);

void report_print(const struct report *r, FILE *f);

/* Appends one object. */
void report_json(const struct report *r, struct buf *b);

#endif
