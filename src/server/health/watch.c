#include "server/health/watch.h"

#include "base/mem.h"
#include "base/str.h"
#include "server/health/guard.h"
#include "server/node/alarms.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 1000
#define LATE_MS 3000

struct watch {
    struct server *server;
    struct wheel_timer tick;
    _Atomic bool failing;
    uint64_t failures; /* of the store's requests, as far as they were seen */
    uint64_t failed_ms, since_ms, before;
    int64_t ahead_ms; /* of the clock, as it was said last; 0: it is right */
};

/* NULL: nothing is wrong. */
static const char *what_fails(const struct watch *w, uint64_t failures, uint64_t now)
{
    enum store_result result = guard_result(w->server->guard);

    if (result == STORE_FULL)
        return "it is full";
    if (guard_is_late(w->server->guard, now, LATE_MS))
        return "it does not answer";
    if (result != STORE_OK)
        return "it fails to write";
    return failures > w->failures ? "it fails requests" : NULL;
}

static void watch_tell(struct watch *w, const char *why, uint64_t failures, uint64_t now)
{
    struct log *log = server_first(w->server)->log;

    assert(now >= w->failed_ms);
    if (why != NULL) {
        w->failed_ms = now;
        if (atomic_load(&w->failing))
            return;
        atomic_store(&w->failing, true);
        w->since_ms = now;
        w->before = w->failures;
        log_error(log, "store_failing", LOG_TEXT("why", why));
    } else if (atomic_load(&w->failing) && now >= w->failed_ms + WATCH_QUIET_MS) {
        atomic_store(&w->failing, false);
        log_info(log, "store_well", LOG_U64("failed_for_ms", now - w->since_ms),
                 LOG_U64("failures", failures - w->before));
    }
}

/* Said when it begins, and when it is another figure. */
static void tell_clock(struct watch *w)
{
    struct worker *first = server_first(w->server);
    int64_t ahead_ms = (int64_t)(io_wall_ms(first->io) - worker_wall_ms(first));
    uint64_t apart_s = (uint64_t)llabs(ahead_ms) / 1000;
    char detail[80];

    metrics_set(first->metrics, METRIC_clock_offset, apart_s);
    if (llabs(ahead_ms) <= WATCH_APART_MS) {
        alarms_clear(w->server->alarms, ALARM_clock);
        w->ahead_ms = 0;
        return;
    }
    if (llabs(ahead_ms - w->ahead_ms) < WATCH_APART_MS)
        return;
    w->ahead_ms = ahead_ms;
    (void)snprintf(detail, sizeof(detail), "%llu s %s the store's", (unsigned long long)apart_s,
                   ahead_ms > 0 ? "ahead of" : "behind");
    alarms_raise(w->server->alarms, ALARM_clock, str_of(detail));
}

static void watch_look(struct wheel_timer *t)
{
    struct watch *w = CONTAINER_OF(t, struct watch, tick);
    struct worker *first = server_first(w->server);
    uint64_t now = worker_now_ms(first);
    struct store_stats stats;

    assert(!wheel_armed(t));
    store_stats(w->server->o.store, &stats);
    watch_tell(w, what_fails(w, stats.failures, now), stats.failures, now);
    w->failures = stats.failures;
    tell_clock(w);
    wheel_set(&first->wheel, t, now + TICK_MS);
}

struct watch *watch_new(struct server *s)
{
    struct watch *w = mem_zeroed(1, sizeof(*w));

    w->server = s;
    w->tick.fire = watch_look;
    return w;
}

void watch_start(struct watch *w)
{
    struct store_stats stats;

    assert(!wheel_armed(&w->tick));
    store_stats(w->server->o.store, &stats);
    w->failures = stats.failures;
    watch_look(&w->tick);
}

void watch_stop(struct watch *w)
{
    wheel_cancel(&server_first(w->server)->wheel, &w->tick);
}

void watch_free(struct watch *w)
{
    free(w);
}

bool watch_is_failing(const struct watch *w)
{
    return atomic_load(&w->failing);
}
