/* metrics.h: numbers that tell how the program fares: one set for each worker, which alone writes
 * it; whoever answers /metrics reads them all and adds up. metrics.tbl lists them.
 *
 * A number that is written by one thread needs no locked instruction: it is a relaxed load and a
 * relaxed store. */
#ifndef SERVER_NODE_METRICS_H
#define SERVER_NODE_METRICS_H

#include "base/base.h"
#include "base/buf.h"
#include "bus/bus.h"
#include "store/store.h"

/* METRIC_bytes_in, ... */
enum metric {
#define METRIC(id, type, name, help) METRIC_##id,
#define FAMILY(type, name, help)
#define SERIES(id, label, value) METRIC_##id,
#define HISTOGRAM(id, unit, name, help)
#define STORE(field, type, unit, name, help)
#define BUS(field, type, name, help)
#include "server/node/metrics.tbl"
#undef METRIC
#undef SERIES
#undef HISTOGRAM
    METRICS_N
};

/* The first of those that are in the order of chat/model/commands.tbl and errors.tbl. */
#define METRIC_COMMANDS METRIC_command_login
#define METRIC_ERRORS METRIC_error_bad_json
/* Of chat/model/alarms.tbl. */
#define METRIC_ALARM METRIC_alarm_store
#define METRIC_ALARMS METRIC_alarms_store

/* METRIC_HIST_turn, ... */
enum metric_hist {
#define METRIC(id, type, name, help)
#define SERIES(id, label, value)
#define HISTOGRAM(id, unit, name, help) METRIC_HIST_##id,
#include "server/node/metrics.tbl"
#undef METRIC
#undef FAMILY
#undef SERIES
#undef HISTOGRAM
#undef BUS
#undef STORE
    METRIC_HISTS_N
};

enum { METRICS_BUCKETS = 15 };

struct metrics_hist {
    uint64_t counts[METRICS_BUCKETS + 1]; /* the last: beyond every bound */
    uint64_t sum;
};

struct metrics {
    uint64_t values[METRICS_N];
    struct metrics_hist hists[METRIC_HISTS_N];
} __attribute__((aligned(64)));

/* All zero, on cache lines of its own; metrics_free. Aborts when memory is out. */
struct metrics *metrics_new(void) MUST_CHECK;
void metrics_free(struct metrics *m);

static inline void metrics_add(struct metrics *m, enum metric id, uint64_t n)
{
    uint64_t *v = &m->values[id];

    __atomic_store_n(v, __atomic_load_n(v, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Of a GAUGE. A worker's may go below zero: the sum counts. */
static inline void metrics_sub(struct metrics *m, enum metric id, uint64_t n)
{
    metrics_add(m, id, (uint64_t)0 - n);
}

static inline void metrics_set(struct metrics *m, enum metric id, uint64_t n)
{
    __atomic_store_n(&m->values[id], n, __ATOMIC_RELAXED);
}

/* v in microseconds, or units: see metrics.tbl. */
void metrics_observe(struct metrics *m, enum metric_hist id, uint64_t v);

/* The sum over all workers' sets. Any thread. */
uint64_t metrics_sum(const struct metrics *const *sets, size_t sets_n, enum metric id);

/* The sum over all workers' sets. Any thread. */
struct metrics_hist metrics_hist_sum(const struct metrics *const *sets, size_t sets_n,
                                     enum metric_hist id);

/* Returns how many values h has. */
uint64_t metrics_hist_count(const struct metrics_hist *h);

/* Returns what percent of h's values do not exceed, between the bounds of a bucket by rule of
 * proportion, in microseconds or units; the last bound for what is beyond it. h has values. */
uint64_t metrics_hist_percentile(const struct metrics_hist *h, enum metric_hist id,
                                 unsigned percent);

enum metrics_unit {
    METRICS_UNITS,
    METRICS_SECONDS, /* kept in microseconds */
};

/* Everything in Prometheus' text format 0.0.4; about 24 KiB. Any thread. */
void metrics_render(struct buf *out, const struct metrics *const *sets, size_t sets_n,
                    const struct store_stats *store, const struct bus_stats *bus);

/* Adds a number that is kept elsewhere; type is "counter" or "gauge". */
void metrics_render_one(struct buf *out, const char *type, enum metrics_unit unit, const char *name,
                        const char *help, uint64_t v);

#endif
