#include "lib/sim_woes.h"

#include <stdio.h>

enum { PPM = 50000 };

/* Wrong not at all, by seconds, minutes, hours, days. */
static void draw_clock(struct sim_woes *w, int64_t *ret_ms, int *ret_ppm)
{
    static const int64_t most_ms[] = {0, 5000, 300000, 7200000, 172800000};
    int64_t most = most_ms[rng_below(w->rng, COUNTOF(most_ms))];

    *ret_ms = (int64_t)rng_below(w->rng, (uint64_t)most * 2 + 1) - most;
    *ret_ppm = rng_chance(w->rng, 700) ? 0 : (int)rng_below(w->rng, (uint64_t)2 * PPM) - PPM;
}

void sim_woes_clock(struct sim_woes *w, struct sim_node_options *o)
{
    draw_clock(w, &o->clock_ms, &o->clock_ppm);
}

static void set_clock(struct sim_woes *w, struct sim_node *n)
{
    int64_t ms;
    int ppm;

    draw_clock(w, &ms, &ppm);
    sim_host_clock(n->host, ms, ppm);
    if (w->trace)
        printf("%8llu a clock is set: %lld ms wrong\n", (unsigned long long)sim_now_ms(w->sim),
               (long long)ms);
}

/* Shortly, or for long enough that its people are held. */
static void cut_off(struct sim_woes *w, const struct sim_node *n)
{
    uint64_t ms = w->longer ? 2 * SIM_WOES_UNPROVEN_MS + rng_below(w->rng, SIM_WOES_UNPROVEN_MS)
                            : rng_below(w->rng, 5000);

    w->cut = n;
    w->cut_until_ms = sim_now_ms(w->sim) + ms;
    w->lists = rng_chance(w->rng, 500);
    if (w->lists && w->buses != NULL)
        bus_model_deafen(w->buses, bus_self(n->bus));
    if (w->trace)
        printf("%8llu a node is cut off from %s for %llu ms\n",
               (unsigned long long)sim_now_ms(w->sim), w->lists ? "lists" : "the store",
               (unsigned long long)ms);
}

static void heal(struct sim_woes *w)
{
    w->cut = NULL;
    if (w->buses != NULL)
        bus_model_deafen(w->buses, 0);
}

void sim_woes_mind(struct sim_woes *w, struct sim_node *n)
{
    if (rng_chance(w->rng, 1))
        set_clock(w, n);
    if (w->cut != NULL && sim_now_ms(w->sim) >= w->cut_until_ms)
        heal(w);
    if (w->cut != NULL || !rng_chance(w->rng, 1))
        return;
    w->longer = rng_chance(w->rng, 500);
    cut_off(w, n);
}

bool sim_woes_slow(const struct sim_woes *w)
{
    return w->cut != NULL && w->longer;
}

void sim_woes_store(const struct sim_woes *w, const struct sim_node *n,
                    struct store_fault_options *o)
{
    if (n != w->cut || sim_now_ms(w->sim) >= w->cut_until_ms)
        return;
    o->lists = w->lists;
    o->fail = w->lists ? o->fail : 1000;
}

struct dynamo_model_faults sim_woes_outage(struct sim_woes *w)
{
    static const struct dynamo_model_faults outages[] = {
        {.throttle = 900},
        {.fail = 900},
        {.fail_done = 900},
        {.lost = 900, .late_ms = SIM_WOES_LATE_MS},
        {.fail = 500, .fail_done = 500},
        {.latency_ms = 2000},
    };

    return outages[rng_below(w->rng, COUNTOF(outages))];
}

const char *sim_woes_redis(struct sim_woes *w, struct redis_model *redis,
                           struct redis_model_faults f, unsigned nodes)
{
    unsigned one = (unsigned)rng_below(w->rng, REDIS_MODEL_SERVERS);

    switch (rng_below(w->rng, 8)) {
    case 0:
        redis_model_kill(redis, one);
        return "a server is killed";
    case 1:
        for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
            redis_model_kill(redis, i);
        return "all servers are killed";
    case 2:
        redis_model_pause(redis, one, true);
        return "a server is paused";
    case 3:
        redis_model_promote(redis, one, false);
        return "a server takes over";
    case 4:
        redis_model_promote(redis, one, true);
        return "two take themselves for the primary";
    case 5:
        redis_model_part(redis, (unsigned)rng_below(w->rng, nodes), true);
        return "a node is cut off";
    case 6:
        f.slow_ms = 1 + (unsigned)rng_below(w->rng, 2000);
        redis_model_set(redis, f);
        return "it is slow";
    default:
        f.refuse = "LOADING Redis is loading the dataset in memory";
        redis_model_set(redis, f);
        return "it refuses";
    }
}
