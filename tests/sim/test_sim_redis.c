/* Three nodes that hear of each other by a model of Redis (lib/redis_model.h), which all
 * sorts of things befall: slower, never lost. The bus is the real one. SEEDS=n tries more
 * stories, SEED=n repeats one, TRACE=1 shows what is said in it. */
#include "lib/check.h"
#include "lib/sim_story.h"

#define NETWORK                                                                            \
    {                                                                                      \
        .short_send = 100, .split_recv = 200, .blocked = 20, .latency_ms = 30, .job_ms = 5 \
    }
#define BAD_NETWORK                                                                         \
    {                                                                                       \
        .short_send = 200, .split_recv = 300, .reset = 2, .blocked = 50, .latency_ms = 100, \
        .job_ms = 20                                                                        \
    }
#define SERVICE                                                                             \
    {                                                                                       \
        .throttle = 20, .fail = 10, .fail_done = 20, .lost = 10, .bad_crc = 10, .clock = 2, \
        .latency_ms = 15, .late_ms = 3000                                                   \
    }

static void nothing_fails(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 3, .clients = 12, .members = true, .redis = true},
                   20);
}

static void redis_is_in_trouble(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 3,
                                       .faults = NETWORK,
                                       .members = true,
                                       .cuts = true,
                                       .redis = true,
                                       .redis_faults = {.slow_ms = 5, .lag_ms = 50},
                                       .redis_fails = true},
                   20);
}

static void subscribers_are_slow(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 3,
                                       .faults = NETWORK,
                                       .members = true,
                                       .redis = true,
                                       .redis_faults = {.lag_ms = 50, .unsent_max = 2048}},
                   20);
}

static void nodes_are_killed_and_replaced(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 3,
                                       .faults = NETWORK,
                                       .cuts = true,
                                       .members = true,
                                       .crashes = true,
                                       .drains = true,
                                       .redis = true,
                                       .redis_faults = {.slow_ms = 5, .lag_ms = 50},
                                       .redis_fails = true},
                   20);
}

/* Amazon's shape: both models, and all that can go wrong with either. */
static void everything_fails(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 3,
                                       .clients = 12,
                                       .actions = 200,
                                       .faults = BAD_NETWORK,
                                       .cuts = true,
                                       .slow = true,
                                       .members = true,
                                       .crashes = true,
                                       .drains = true,
                                       .small = true,
                                       .dynamo = true,
                                       .service = SERVICE,
                                       .outages = true,
                                       .redis = true,
                                       .redis_faults = {.slow_ms = 20, .lag_ms = 100},
                                       .redis_fails = true},
                   20);
}

CHECK_MAIN(cmocka_unit_test(nothing_fails), cmocka_unit_test(redis_is_in_trouble),
           cmocka_unit_test(subscribers_are_slow), cmocka_unit_test(nodes_are_killed_and_replaced),
           cmocka_unit_test(everything_fails))
