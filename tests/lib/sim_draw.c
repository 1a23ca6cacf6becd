#include "lib/sim_story.h"

static unsigned up_to(struct rng *rng, unsigned max)
{
    return (unsigned)rng_below(rng, max + 1);
}

/* A number from 0 to max, often 0. */
static unsigned some(struct rng *rng, unsigned max)
{
    return rng_chance(rng, 400) ? 0 : up_to(rng, max);
}

void sim_story_draw(struct sim_story *o, struct rng *rng)
{
    *o = (struct sim_story){
        .actions = 50 + up_to(rng, 499),
        .nodes = 1 + up_to(rng, SIM_STORY_NODES_MAX - 1),
        .clients = 3 + up_to(rng, SIM_STORY_CLIENTS_MAX - 3),
        .faults = {.short_send = some(rng, 500),
                   .split_recv = some(rng, 700),
                   .reset = some(rng, 5),
                   .blocked = some(rng, 100),
                   .latency_ms = some(rng, 300),
                   .job_ms = some(rng, 100)},
        .bus = {.lost = some(rng, 1000),
                .twice = some(rng, 300),
                .held_ms = some(rng, 500),
                .look_ms = some(rng, 5000)},
        .cuts = rng_chance(rng, 700),
        .slow = rng_chance(rng, 700),
        .members = rng_chance(rng, 700),
        .crashes = rng_chance(rng, 400),
        .drains = rng_chance(rng, 400),
        .partitions = rng_chance(rng, 500),
        .full = rng_chance(rng, 200),
        .store_fails = rng_chance(rng, 300),
        .small = rng_chance(rng, 600),
        .tiny = rng_chance(rng, 300),
        .pollers = some(rng, SIM_STORY_POLLERS_MAX),
        .rude = rng_chance(rng, 400),
    };
    o->faults.records = some(rng, 1000);
    o->sqlite = o->nodes == 1 && !o->store_fails && rng_chance(rng, 200);
}
