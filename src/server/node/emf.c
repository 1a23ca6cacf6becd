#include "server/node/emf.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/alarm.h"
#include "chat/model/command.h"
#include "chat/model/errors.h"

#include <stdlib.h>
#include <string.h>

/* A row of the table as data. */
struct emf_row {
    enum { EMF_LEVEL, EMF_CHANGE } kind;
    enum { EMF_OF_SETS, EMF_OF_STORE, EMF_OF_BUS } of;
    const char *unit, *name;
    size_t first, last; /* enum metric; or the offset in struct store_stats, bus_stats */
};

static const struct emf_row rows[] = {
#define EMF(kind, unit, name, first, last) \
    {EMF_##kind, EMF_OF_SETS, unit, name, METRIC_##first, METRIC_##last},
#define EMF_HIST(name, id)
#define EMF_STORE(kind, unit, name, field) \
    {EMF_##kind, EMF_OF_STORE, unit, name, offsetof(struct store_stats, field), 0},
#define EMF_BUS(kind, unit, name, field) \
    {EMF_##kind, EMF_OF_BUS, unit, name, offsetof(struct bus_stats, field), 0},
#include "server/node/emf.tbl"
#undef EMF
#undef EMF_HIST
#undef EMF_STORE
#undef EMF_BUS
};

static const struct {
    const char *p50, *p99, *count;
    enum metric_hist id;
} hists[] = {
#define EMF(kind, unit, name, first, last)
#define EMF_HIST(name, id) {name "_p50", name "_p99", name "_count", METRIC_HIST_##id},
#define EMF_STORE(kind, unit, name, field)
#define EMF_BUS(kind, unit, name, field)
#include "server/node/emf.tbl"
#undef EMF
#undef EMF_HIST
#undef EMF_STORE
#undef EMF_BUS
};

static const char *const alarm_names[ALARMS_N] = {
#define ALARM(id, hold_s, text, remedy) [ALARM_##id] = "alarm_" #id,
#include "chat/model/alarms.tbl"
#undef ALARM
};

enum { EMF_FLAGS = 3, EMF_N = COUNTOF(rows) + 3 * COUNTOF(hists) + ALARMS_N + EMF_FLAGS };
static_assert((int)EMF_N <= (int)EMF_METRICS_MAX, "a document has no more metrics");

struct emf {
    uint64_t before[COUNTOF(rows)];
    struct metrics_hist hists[COUNTOF(hists)];
};

struct emf_values {
    struct emf_value all[EMF_N];
    size_t n;
};

struct emf *emf_new(void)
{
    return mem_zeroed(1, sizeof(struct emf));
}

void emf_free(struct emf *e)
{
    free(e);
}

static void emf_put(struct emf_values *values, const char *name, const char *unit, double v)
{
    assert(values->n < EMF_N);
    values->all[values->n++] = (struct emf_value){.name = name, .unit = unit, .v = v};
}

static uint64_t emf_read(const struct emf_row *r, const struct emf_now *now)
{
    const void *stats = r->of == EMF_OF_STORE ? (const void *)now->store : (const void *)now->bus;
    uint64_t v = 0;

    if (r->of != EMF_OF_SETS) {
        memcpy(&v, (const char *)stats + r->first, sizeof(v));
        return v;
    }
    for (size_t id = r->first; id <= r->last; id++)
        v += metrics_sum(now->sets, now->sets_n, (enum metric)id);
    return v;
}

static void emf_put_rows(struct emf *e, const struct emf_now *now, struct emf_values *values)
{
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        uint64_t v = emf_read(&rows[i], now), before = e->before[i];

        e->before[i] = v;
        if (rows[i].kind == EMF_CHANGE)
            v -= MIN(before, v);
        else if (v > INT64_MAX)
            v = 0; /* the workers were read while it moved from one to another */
        emf_put(values, rows[i].name, rows[i].unit, (double)v);
    }
}

/* Nothing but the count of what has not happened: 0 ms would be a lie. */
static void emf_put_hists(struct emf *e, const struct emf_now *now, struct emf_values *values)
{
    for (size_t i = 0; i < COUNTOF(hists); i++) {
        struct metrics_hist sum = metrics_hist_sum(now->sets, now->sets_n, hists[i].id);
        struct metrics_hist change = sum;
        uint64_t n;

        for (size_t b = 0; b <= METRICS_BUCKETS; b++)
            change.counts[b] -= e->hists[i].counts[b];
        e->hists[i] = sum;
        n = metrics_hist_count(&change);
        emf_put(values, hists[i].count, "Count", (double)n);
        if (n == 0)
            continue;
        emf_put(values, hists[i].p50, "Milliseconds",
                (double)metrics_hist_percentile(&change, hists[i].id, 50) / 1000);
        emf_put(values, hists[i].p99, "Milliseconds",
                (double)metrics_hist_percentile(&change, hists[i].id, 99) / 1000);
    }
}

static void emf_put_states(const struct emf_now *now, struct emf_values *values)
{
    emf_put(values, "degraded", "Count", now->degraded);
    emf_put(values, "store_failing", "Count", now->store_failing);
    emf_put(values, "draining", "Count", now->draining);
    for (size_t i = 0; i < ALARMS_N; i++)
        emf_put(values, alarm_names[i], "Count",
                (double)metrics_sum(now->sets, now->sets_n, (enum metric)(METRIC_ALARM + i)));
}

void emf_render(struct emf *e, const struct emf_now *now, struct buf *out)
{
    struct emf_values values = {.n = 0};

    emf_put_rows(e, now, &values);
    emf_put_hists(e, now, &values);
    emf_put_states(now, &values);
    emf_line_write(&now->about, values.all, values.n, out);
}
