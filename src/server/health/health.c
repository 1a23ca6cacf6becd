#include "server/health/health.h"

#include "server/health/guard.h"
#include "server/health/watch.h"
#include "server/node/alarms.h"
#include "server/node/issuer.h"
#include "server/node/node.h"
#include "server/node/worker.h"

#include <stdatomic.h>

#define PROBE_LATE_MS 3000
#define STUCK_MS 20000

static const enum alarm computed[] = {ALARM_store, ALARM_bus, ALARM_issuer};

bool health_is_degraded_by(const struct server *s, enum alarm id, uint64_t now_ms)
{
    assert(id < ALARMS_N);
    if (id == ALARM_store)
        return lifecycle_at(&s->life) < LIFE_SERVING || watch_is_failing(s->watch) ||
               guard_is_late(s->guard, now_ms, PROBE_LATE_MS);
    if (id == ALARM_bus)
        return bus_degraded(s->o.bus);
    if (id == ALARM_issuer)
        return issuer_is_failing(s->issuer);
    return alarms_is(s->alarms, id);
}

bool health_is_degraded(const struct server *s, uint64_t now_ms)
{
    for (unsigned i = 0; i < ALARMS_N; i++)
        if (health_is_degraded_by(s, (enum alarm)i, now_ms))
            return true;
    return false;
}

const char *health_stuck(const struct server *s, uint64_t now_ms)
{
    for (unsigned i = 0; i < s->workers_n; i++) {
        uint64_t turned = atomic_load_explicit(&s->workers[i].turned_ms, memory_order_relaxed);

        if (turned > 0 && now_ms > turned + STUCK_MS)
            return "a worker";
    }
    if (s->conf->store == CONF_STORE_SQLITE && guard_is_late(s->guard, now_ms, STUCK_MS))
        return "the store's threads";
    return NULL;
}

void health_second(struct server *s)
{
    uint64_t now = worker_now_ms(server_first(s));

    for (size_t i = 0; i < COUNTOF(computed); i++)
        alarms_follow(s->alarms, computed[i], health_is_degraded_by(s, computed[i], now));
    alarms_second(s->alarms);
}
