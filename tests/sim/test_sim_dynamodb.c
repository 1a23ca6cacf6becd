/* Three nodes on the model of DynamoDB (lib/dynamo_model.h), and all that can go wrong
 * on the way to it: what clients may rely on all the same. SEEDS=n tries more stories,
 * SEED=n repeats one, TRACE=1 shows what is said in it. */
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
    sim_story_test(&(struct sim_story){.nodes = 3,
                                       .clients = 12,
                                       .members = true,
                                       .dynamo = true,
                                       .service = {.latency_ms = 5},
                                       .bus = {.held_ms = 20}},
                   20);
}

static void calls_fail(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 3,
                                       .faults = NETWORK,
                                       .cuts = true,
                                       .members = true,
                                       .dynamo = true,
                                       .service = SERVICE,
                                       .bus = {.held_ms = 20}},
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
                                       .dynamo = true,
                                       .service = SERVICE,
                                       .bus = {.held_ms = 20}},
                   20);
}

static void next_to_nothing_comes_through(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 3,
                                       .faults = NETWORK,
                                       .members = true,
                                       .dynamo = true,
                                       .service = SERVICE,
                                       .outages = true,
                                       .bus = {.held_ms = 20}},
                   20);
}

static void everything_fails(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){.nodes = 3,
                            .clients = 12,
                            .actions = 200,
                            .faults = BAD_NETWORK,
                            .bus = {.lost = 100, .twice = 100, .held_ms = 200, .look_ms = 3000},
                            .cuts = true,
                            .slow = true,
                            .members = true,
                            .crashes = true,
                            .drains = true,
                            .partitions = true,
                            .small = true,
                            .dynamo = true,
                            .service = SERVICE,
                            .outages = true},
        20);
}

CHECK_MAIN(cmocka_unit_test(nothing_fails), cmocka_unit_test(calls_fail),
           cmocka_unit_test(nodes_are_killed_and_replaced),
           cmocka_unit_test(next_to_nothing_comes_through), cmocka_unit_test(everything_fails))
