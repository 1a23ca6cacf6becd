/* The program above io in the simulator: what clients may rely on, whatever
 * happens. Each test is a kind of story; SEEDS=n tries more of them, SEED=n
 * repeats one, TRACE=1 shows what is said in it. */
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

static void nothing_fails(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){0}, 40);
}

static void the_network_is_slow(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.faults = NETWORK}, 40);
}

static void connections_break(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.faults = BAD_NETWORK, .cuts = true, .small = true}, 40);
}

static void readers_are_slow(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){.faults = NETWORK, .cuts = true, .slow = true, .small = true}, 40);
}

static void members_change(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){
            .faults = NETWORK, .cuts = true, .slow = true, .members = true, .small = true},
        40);
}

static void nodes_drain(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.faults = NETWORK, .drains = true, .members = true}, 40);
}

static void nodes_crash(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.faults = BAD_NETWORK,
                                       .cuts = true,
                                       .slow = true,
                                       .members = true,
                                       .crashes = true,
                                       .drains = true,
                                       .small = true},
                   40);
}

static void the_store_is_full(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){.faults = NETWORK, .cuts = true, .members = true, .full = true}, 40);
}

static void the_store_fails(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){
            .faults = NETWORK, .cuts = true, .members = true, .full = true, .store_fails = true},
        40);
}

static void two_nodes(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.nodes = 2, .members = true, .bus = {.held_ms = 20}}, 40);
}

static void two_nodes_in_trouble(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){.nodes = 2,
                            .faults = BAD_NETWORK,
                            .bus = {.lost = 100, .twice = 100, .held_ms = 200, .look_ms = 3000},
                            .cuts = true,
                            .slow = true,
                            .members = true,
                            .crashes = true,
                            .drains = true,
                            .small = true},
        40);
}

static void three_nodes(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){.nodes = 3, .clients = 12, .members = true, .bus = {.held_ms = 20}},
        40);
}

/* Everything that can happen to nodes, their bus and their store. */
static void three_nodes_in_trouble(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){.nodes = 3,
                            .clients = 12,
                            .actions = 400,
                            .faults = BAD_NETWORK,
                            .bus = {.lost = 100, .twice = 100, .held_ms = 200, .look_ms = 3000},
                            .cuts = true,
                            .slow = true,
                            .members = true,
                            .crashes = true,
                            .drains = true,
                            .partitions = true,
                            .full = true,
                            .store_fails = true,
                            .small = true},
        40);
}

static void power_fails(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.faults = NETWORK,
                                       .cuts = true,
                                       .slow = true,
                                       .members = true,
                                       .crashes = true,
                                       .drains = true,
                                       .small = true,
                                       .sqlite = true},
                   20);
}

static void anything(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.drawn = true}, 100);
}

CHECK_MAIN(cmocka_unit_test(nothing_fails), cmocka_unit_test(the_network_is_slow),
           cmocka_unit_test(connections_break), cmocka_unit_test(readers_are_slow),
           cmocka_unit_test(members_change), cmocka_unit_test(nodes_drain),
           cmocka_unit_test(nodes_crash), cmocka_unit_test(the_store_is_full),
           cmocka_unit_test(the_store_fails), cmocka_unit_test(two_nodes),
           cmocka_unit_test(two_nodes_in_trouble), cmocka_unit_test(three_nodes),
           cmocka_unit_test(three_nodes_in_trouble), cmocka_unit_test(power_fails),
           cmocka_unit_test(anything))
