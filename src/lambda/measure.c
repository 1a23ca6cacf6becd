#include "lambda/measure.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *unit;
    size_t at; /* in struct measure_now */
} rows[] = {
#define ROW(name, unit, member)                          \
    {                                                    \
        name, unit, offsetof(struct measure_now, member) \
    }
    ROW("invocations", "Count", lambda.events),
    ROW("invocations_failed", "Count", lambda.failed),
    ROW("commands", "Count", lambda.commands),
    ROW("errors", "Count", lambda.errors),
    ROW("errors_internal", "Count", lambda.errors_internal),
    ROW("entries_appended", "Count", lambda.entries),
    ROW("append_conflicts", "Count", lambda.conflicts),
    ROW("alarms", "Count", lambda.alarms),
    ROW("gateway_posts_ok", "Count", posts.ok),
    ROW("gateway_posts_failed", "Count", posts.failed),
    ROW("store_entry_bytes", "Bytes", store.entry_bytes),
    ROW("store_failures", "Count", store.failures),
    ROW("store_retries", "Count", store.retries),
    ROW("store_throttles", "Count", store.throttles),
    ROW("spans_dropped", "Count", spans_dropped),
#undef ROW
};

enum { MEASURE_N = COUNTOF(rows) + 2 };
static_assert((int)MEASURE_N <= (int)EMF_METRICS_MAX, "a document has no more metrics");

struct measure {
    uint64_t every_ms, due_ms;
    bool began; /* a document was written */
    uint64_t before[COUNTOF(rows)];
    uint64_t took_n;                /* events since the document before, */
    double took_ms[EMF_VALUES_MAX]; /* and how long the newest of them took */
};

struct measure *measure_new(uint64_t every_ms)
{
    struct measure *m = mem_zeroed(1, sizeof(*m));

    m->every_ms = every_ms;
    return m;
}

void measure_free(struct measure *m)
{
    free(m);
}

bool measure_event(struct measure *m, uint64_t us, uint64_t now_ms)
{
    m->took_ms[m->took_n++ % EMF_VALUES_MAX] = (double)us / 1000;
    return !m->began || now_ms >= m->due_ms;
}

void measure_write(struct measure *m, const struct measure_now *now, uint64_t now_ms,
                   struct buf *out)
{
    struct emf_value values[MEASURE_N];
    size_t n = 0;

    values[n++] = (struct emf_value){.name = "starts", .unit = "Count", .v = !m->began};
    if (m->took_n > 0)
        values[n++] = (struct emf_value){.name = "invocation",
                                         .unit = "Milliseconds",
                                         .values = m->took_ms,
                                         .values_n = MIN(m->took_n, (uint64_t)EMF_VALUES_MAX)};
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        uint64_t v;

        memcpy(&v, (const char *)now + rows[i].at, sizeof(v));
        values[n++] = (struct emf_value){
            .name = rows[i].name, .unit = rows[i].unit, .v = (double)(v - MIN(m->before[i], v))};
        m->before[i] = v;
    }
    emf_line_write(&now->about, values, n, out);
    m->took_n = 0;
    m->began = true;
    m->due_ms = now_ms + m->every_ms;
}
