#include "server/node/metrics.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t bounds_us[METRICS_BUCKETS] = {50,     100,    250,    500,     1000,
                                                    2500,   5000,   10000,  25000,   50000,
                                                    100000, 250000, 500000, 1000000, 5000000};

/* SECONDS: as above; UNITS: powers of two. */
static uint64_t bound(enum metrics_unit unit, size_t i)
{
    return unit == METRICS_SECONDS ? bounds_us[i] : (uint64_t)1 << i;
}

static const enum metrics_unit hist_units[METRIC_HISTS_N] = {
#define METRIC(id, type, name, help)
#define FAMILY(type, name, help)
#define SERIES(id, label, value)
#define HISTOGRAM(id, unit, name, help) [METRIC_HIST_##id] = METRICS_##unit,
#define STORE(field, type, unit, name, help)
#define BUS(field, type, name, help)
#include "server/node/metrics.tbl"
#undef METRIC
#undef FAMILY
#undef SERIES
#undef HISTOGRAM
#undef STORE
#undef BUS
};

struct metrics *metrics_new(void)
{
    struct metrics *m = aligned_alloc(64, sizeof(*m));

    if (m == NULL)
        abort();
    memset(m, 0, sizeof(*m));
    return m;
}

void metrics_free(struct metrics *m)
{
    free(m);
}

static void add(uint64_t *v, uint64_t n)
{
    __atomic_store_n(v, __atomic_load_n(v, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

void metrics_observe(struct metrics *m, enum metric_hist id, uint64_t v)
{
    size_t i = 0;

    assert(id < METRIC_HISTS_N);
    while (i < METRICS_BUCKETS && v > bound(hist_units[id], i))
        i++;
    add(&m->hists[id].counts[i], 1);
    add(&m->hists[id].sum, v);
}

uint64_t metrics_sum(const struct metrics *const *sets, size_t sets_n, enum metric id)
{
    uint64_t sum = 0;

    assert(id < METRICS_N);
    for (size_t i = 0; i < sets_n; i++)
        sum += __atomic_load_n(&sets[i]->values[id], __ATOMIC_RELAXED);
    return sum;
}

struct metrics_hist metrics_hist_sum(const struct metrics *const *sets, size_t sets_n,
                                     enum metric_hist id)
{
    struct metrics_hist sum = {0};

    for (size_t i = 0; i < sets_n; i++) {
        for (size_t b = 0; b <= METRICS_BUCKETS; b++)
            sum.counts[b] += __atomic_load_n(&sets[i]->hists[id].counts[b], __ATOMIC_RELAXED);
        sum.sum += __atomic_load_n(&sets[i]->hists[id].sum, __ATOMIC_RELAXED);
    }
    return sum;
}

uint64_t metrics_hist_count(const struct metrics_hist *h)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        n += h->counts[i];
    return n;
}

uint64_t metrics_hist_percentile(const struct metrics_hist *h, enum metric_hist id,
                                 unsigned percent)
{
    enum metrics_unit unit = hist_units[id];
    uint64_t n = metrics_hist_count(h), below = 0;
    uint64_t rank = MAX((n * percent + 99) / 100, (uint64_t)1);

    assert(n > 0 && percent <= 100);
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        uint64_t from = i > 0 ? bound(unit, i - 1) : 0;

        if (below + h->counts[i] >= rank)
            return from + (bound(unit, i) - from) * (rank - below) / h->counts[i];
        below += h->counts[i];
    }
    return bound(unit, METRICS_BUCKETS - 1);
}

static void append_value(struct buf *out, enum metrics_unit unit, uint64_t v)
{
    if (unit == METRICS_SECONDS)
        buf_printf(out, "%llu.%06u", (unsigned long long)(v / 1000000), (unsigned)(v % 1000000));
    else
        buf_append_u64(out, v);
}

static void append_head(struct buf *out, const char *type, const char *name, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_render_one(struct buf *out, const char *type, enum metrics_unit unit, const char *name,
                        const char *help, uint64_t v)
{
    append_head(out, type, name, help);
    buf_printf(out, "%s ", name);
    append_value(out, unit, v);
    buf_append_byte(out, '\n');
}

static void append_hist(struct buf *out, enum metrics_unit unit, const char *name, const char *help,
                        const struct metrics_hist *h)
{
    uint64_t n = 0;

    append_head(out, "histogram", name, help);
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        n += h->counts[i];
        buf_printf(out, "%s_bucket{le=\"", name);
        append_value(out, unit, bound(unit, i));
        buf_printf(out, "\"} %llu\n", (unsigned long long)n);
    }
    n += h->counts[METRICS_BUCKETS];
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum ", name, (unsigned long long)n, name);
    append_value(out, unit, h->sum);
    buf_printf(out, "\n%s_count %llu\n", name, (unsigned long long)n);
}

/* A row of the table as data: what it shows, and where that is. */
struct metrics_row {
    enum { ROW_METRIC, ROW_FAMILY, ROW_SERIES, ROW_HISTOGRAM, ROW_STORE, ROW_BUS } kind;
    const char *type, *name, *help;
    const char *label, *value;
    enum metrics_unit unit;
    size_t at; /* enum metric, enum metric_hist, or offset in struct store_stats, bus_stats */
};

#define TYPE_COUNTER "counter"
#define TYPE_GAUGE "gauge"
static const struct metrics_row rows[] = {
#define METRIC(id, type, name, help) \
    {ROW_METRIC, TYPE_##type, name, help, NULL, NULL, METRICS_UNITS, METRIC_##id},
#define FAMILY(type, name, help) {ROW_FAMILY, TYPE_##type, name, help, NULL, NULL, 0, 0},
#define SERIES(id, label, value) \
    {ROW_SERIES, NULL, NULL, NULL, label, value, METRICS_UNITS, METRIC_##id},
#define HISTOGRAM(id, unit, name, help) \
    {ROW_HISTOGRAM, NULL, name, help, NULL, NULL, METRICS_##unit, METRIC_HIST_##id},
#define STORE(field, type, unit, name, help)       \
    {ROW_STORE, TYPE_##type, name,           help, \
     NULL,      NULL,        METRICS_##unit, offsetof(struct store_stats, field)},
#define BUS(field, type, name, help)            \
    {ROW_BUS, TYPE_##type, name,          help, \
     NULL,    NULL,        METRICS_UNITS, offsetof(struct bus_stats, field)},
#include "server/node/metrics.tbl"
};

static uint64_t value_at(const void *stats, size_t offset)
{
    uint64_t v;

    memcpy(&v, (const char *)stats + offset, sizeof(v));
    return v;
}

void metrics_render(struct buf *out, const struct metrics *const *sets, size_t sets_n,
                    const struct store_stats *store, const struct bus_stats *bus)
{
    const char *family = "";

    for (const struct metrics_row *r = rows; r < rows + COUNTOF(rows); r++) {
        struct metrics_hist h;

        switch (r->kind) {
        case ROW_METRIC:
            metrics_render_one(out, r->type, r->unit, r->name, r->help,
                               metrics_sum(sets, sets_n, (enum metric)r->at));
            break;
        case ROW_FAMILY:
            family = r->name;
            append_head(out, r->type, r->name, r->help);
            break;
        case ROW_SERIES:
            buf_printf(out, "%s{%s=\"%s\"} %llu\n", family, r->label, r->value,
                       (unsigned long long)metrics_sum(sets, sets_n, (enum metric)r->at));
            break;
        case ROW_HISTOGRAM:
            h = metrics_hist_sum(sets, sets_n, (enum metric_hist)r->at);
            append_hist(out, r->unit, r->name, r->help, &h);
            break;
        case ROW_STORE:
            metrics_render_one(out, r->type, r->unit, r->name, r->help, value_at(store, r->at));
            break;
        case ROW_BUS:
            metrics_render_one(out, r->type, r->unit, r->name, r->help, value_at(bus, r->at));
            break;
        }
    }
}
