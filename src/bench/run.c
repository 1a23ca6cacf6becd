#include "bench/run.h"

#include "bench/login.h"
#include "io/usage.h"

#include <stdio.h>
#include <string.h>

enum { SECOND_MS = 1000, REST_MS = 1000, CHECK_MS = 20 };
/* Descriptors that are no connection's. */
enum { SPARE_DESCRIPTORS = 64 };
/* So many openings may fail, and this share of all, before it is given up. */
enum { REFUSED_MAX = 50, REFUSED_SHARE = 10 };

struct run {
    struct bench_crowd *crowd;
    struct io *io;
    struct report *report;
    char *why;
    const char *phase;
    uint64_t second_ms; /* when the next line of progress is due */
    uint64_t line_us;   /* when the last one was written */
    struct tally_counts line;
};

static uint64_t since(const struct run *r, uint64_t from_us)
{
    return io_clock_us(r->io) - from_us;
}

/* --- Progress. --- */

static void progress_traffic(struct run *r)
{
    struct tally *t = &r->crowd->tally;
    double s = (double)since(r, r->line_us) / 1e6;
    const struct tally_counts *n = &t->counts;
    uint64_t shown = n->deliveries + n->paged - r->line.deliveries - r->line.paged;

    (void)fprintf(stderr,
                  "%-8s %8.0f sends/s %9.0f deliveries/s  p50 %.2f p99 %.2f ms  %u live, %llu "
                  "errors\n",
                  r->phase, (double)(n->sends - r->line.sends) / s, (double)shown / s,
                  (double)hist_quantile(&t->second, 0.5) / 1000,
                  (double)hist_quantile(&t->second, 0.99) / 1000, r->crowd->live_n,
                  (unsigned long long)n->errors);
    hist_init(&t->second);
}

static void progress(struct run *r, uint32_t done, uint32_t of)
{
    if (io_now_ms(r->io) < r->second_ms)
        return;
    if (of > 0)
        (void)fprintf(stderr, "%-8s %u of %u\n", r->phase, done, of);
    else
        progress_traffic(r);
    r->line = r->crowd->tally.counts;
    r->line_us = io_clock_us(r->io);
    r->second_ms = io_now_ms(r->io) + SECOND_MS;
}

static void phase_begin(struct run *r, const char *name)
{
    r->phase = name;
    r->crowd->interrupted = false;
    r->second_ms = io_now_ms(r->io) + SECOND_MS;
    r->line = r->crowd->tally.counts;
    r->line_us = io_clock_us(r->io);
    hist_init(&r->crowd->tally.second);
}

static void turn(struct run *r, uint64_t until_ms)
{
    io_wait(r->io, MIN(MIN(until_ms, r->second_ms), crowd_next_ms(r->crowd)));
    crowd_turn(r->crowd);
}

/* --- What the watched processes cost. --- */

static bool watched_usage(struct run *r, struct usage *ret_usage)
{
    const struct plan *p = r->crowd->plan;
    struct usage sum = {0}, one;

    for (size_t i = 0; i < p->pids_n; i++) {
        int err = usage_read(p->pids[i], &one);

        if (err < 0) {
            (void)snprintf(r->why, PLAN_WHY_N, "process %d cannot be watched: %s", p->pids[i],
                           strerrordesc_np(-err));
            return false;
        }
        sum.cpu_ns += one.cpu_ns;
        sum.user_ms += one.user_ms;
        sum.system_ms += one.system_ms;
        sum.resident_bytes += one.resident_bytes;
        sum.private_bytes += one.private_bytes;
    }
    *ret_usage = sum;
    return true;
}

static uint64_t own_cpu_ns(void)
{
    uint64_t ns = 0;

    return usage_cpu_ns(0, &ns) < 0 ? 0 : ns;
}

/* --- The phases. --- */

static bool log_in(struct run *r)
{
    uint64_t start = io_clock_us(r->io);
    struct bench_login *l = login_new(r->crowd);
    bool ok;

    phase_begin(r, "login");
    while (!login_turn(l)) {
        turn(r, IO_FOREVER);
        if (r->crowd->interrupted)
            login_stop(l, "interrupted before it measured");
        progress(r, login_done_n(l), r->crowd->plan->people);
    }
    ok = login_failure(l) == NULL;
    if (!ok)
        (void)snprintf(r->why, PLAN_WHY_N, "%s", login_failure(l));
    login_free(l);
    r->report->login_us = since(r, start);
    return ok;
}

/* Before there is anything to report. */
static bool is_interrupted(struct run *r)
{
    if (r->crowd->interrupted)
        (void)snprintf(r->why, PLAN_WHY_N, "interrupted before it measured");
    return r->crowd->interrupted;
}

static bool given_up(const struct run *r)
{
    const struct bench_crowd *c = r->crowd;

    return c->refused_n > REFUSED_MAX && c->refused_n > c->live_n / REFUSED_SHARE;
}

static bool open_all(struct run *r)
{
    struct bench_crowd *c = r->crowd;
    uint64_t start = io_clock_us(r->io);
    struct usage before, opened, rested;

    phase_begin(r, "open");
    if (!watched_usage(r, &before))
        return false;
    while (c->live_n < c->plan->connections && !given_up(r) && !c->interrupted) {
        crowd_open(c);
        turn(r, IO_FOREVER);
        progress(r, c->live_n, c->plan->connections);
    }
    r->report->open_us = since(r, start);
    if (is_interrupted(r))
        return false;
    if (c->live_n < c->plan->connections) {
        (void)snprintf(r->why, PLAN_WHY_N,
                       "%u of %u connections are open, then: %s (--connects-per-address 0 and "
                       "--connections-max 0 lift the server's limits)",
                       c->live_n, c->plan->connections, c->refusal);
        return false;
    }
    if (!watched_usage(r, &opened))
        return false;
    for (uint64_t end = io_now_ms(r->io) + REST_MS; io_now_ms(r->io) < end;)
        turn(r, end);
    if (!watched_usage(r, &rested))
        return false;
    r->report->open_cpu_ns = opened.cpu_ns - before.cpu_ns;
    r->report->open_bytes = (int64_t)rested.private_bytes - (int64_t)before.private_bytes;
    return true;
}

static void run_for(struct run *r, const char *name, uint64_t ms)
{
    uint64_t end = io_now_ms(r->io) + ms;

    phase_begin(r, name);
    while (io_now_ms(r->io) < end && !r->crowd->interrupted) {
        turn(r, end);
        progress(r, 0, 0);
    }
}

static void counts_subtract(struct tally_counts *from, const struct tally_counts *what)
{
    uint64_t *a = (uint64_t *)from;
    const uint64_t *b = (const uint64_t *)what;

    for (size_t i = 0; i < sizeof(*from) / sizeof(*a); i++)
        a[i] -= b[i];
}

static bool measure(struct run *r)
{
    struct bench_crowd *c = r->crowd;
    struct report *out = r->report;
    struct tally_counts before;
    struct usage start, stop;
    uint64_t start_us, own;

    crowd_publish(c, true);
    run_for(r, "warm up", c->plan->conf->warmup_ms);
    if (is_interrupted(r) || !watched_usage(r, &start))
        return false;
    crowd_slow(c);
    tally_begin(&c->tally);
    before = c->tally.counts;
    own = own_cpu_ns();
    start_us = io_clock_us(r->io);
    run_for(r, "measure", c->plan->conf->duration_ms);
    out->measured_us = since(r, start_us);
    out->interrupted = c->interrupted;
    out->own_cpu_ns = own_cpu_ns() - own;
    out->measured = c->tally.counts;
    counts_subtract(&out->measured, &before);
    if (!watched_usage(r, &stop))
        return false;
    out->cpu_ns = stop.cpu_ns - start.cpu_ns;
    out->user_ms = stop.user_ms - start.user_ms;
    out->system_ms = stop.system_ms - start.system_ms;
    out->resident_bytes = stop.resident_bytes;
    return true;
}

/* Waits until nobody waits for anything, or for as long as the plan says. */
static void settle(struct run *r)
{
    uint64_t start = io_clock_us(r->io);
    /* A floor that joins keeps a rest that no send completes. */
    uint64_t most = r->crowd->plan->floor ? SECOND_MS : r->crowd->plan->conf->settle_ms;
    uint64_t end = io_now_ms(r->io) + most;

    phase_begin(r, "settle");
    crowd_publish(r->crowd, false);
    while (crowd_waiting(r->crowd) > 0 && io_now_ms(r->io) < end && !r->crowd->interrupted) {
        uint64_t check = MIN(end, io_now_ms(r->io) + CHECK_MS);

        while (io_now_ms(r->io) < check)
            turn(r, check);
        progress(r, 0, 0);
    }
    r->report->settle_us = since(r, start);
    r->report->missing = crowd_missing(r->crowd);
}

static void close_all(struct run *r)
{
    phase_begin(r, "close");
    while (!crowd_close(r->crowd))
        turn(r, io_now_ms(r->io) + CHECK_MS);
}

static bool run_prepare(struct run *r)
{
    const struct plan *p = r->crowd->plan;
    uint64_t most = usage_descriptors();

    if (most < (uint64_t)p->connections + SPARE_DESCRIPTORS) {
        (void)snprintf(r->why, PLAN_WHY_N,
                       "%u connections need as many descriptors, but this process may open %llu "
                       "(ulimit -n)",
                       p->connections, (unsigned long long)most);
        return false;
    }
    if (p->pin >= 0 && usage_pin(0, (unsigned)p->pin) < 0) {
        (void)snprintf(r->why, PLAN_WHY_N, "pin: CPU %d cannot be used", p->pin);
        return false;
    }
    for (size_t i = 0; p->pin_server >= 0 && i < p->pids_n; i++) {
        if (usage_pin(p->pids[i], (unsigned)p->pin_server) < 0) {
            (void)snprintf(r->why, PLAN_WHY_N, "pin-server: process %d cannot be kept on CPU %d",
                           p->pids[i], p->pin_server);
            return false;
        }
    }
    return true;
}

bool run_all(struct bench_crowd *c, struct report *ret_report, char why[static PLAN_WHY_N])
{
    struct run r = {.crowd = c, .io = c->io, .report = ret_report, .why = why};
    bool ok;

    *ret_report =
        (struct report){.plan = c->plan, .tally = &c->tally, .watched = c->plan->pids_n > 0};
    ok = run_prepare(&r) && (c->plan->floor || log_in(&r)) && open_all(&r) && measure(&r);
    if (ok)
        settle(&r);
    close_all(&r);
    return ok;
}
