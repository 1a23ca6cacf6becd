/* All doors in the simulator: requests of HTTP that do not wait for their answers,
 * sessions of Socket.IO that are polled through whatever worker, and become
 * WebSockets, beside the native door; over connections as over TLS; and people who
 * do what attackers do. */
#include "lib/check.h"
#include "lib/sim_story.h"

#define NETWORK                                                                            \
    {                                                                                      \
        .short_send = 100, .split_recv = 200, .blocked = 20, .latency_ms = 30, .job_ms = 5 \
    }
#define TLS                                                                                 \
    {                                                                                       \
        .short_send = 200, .split_recv = 200, .latency_ms = 20, .job_ms = 5, .records = 700 \
    }

static void requests_do_not_wait(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.clients = 4, .pollers = 3}, 30);
}

static void the_network_is_slow(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.clients = 4, .pollers = 3, .faults = NETWORK}, 30);
}

static void bytes_come_in_records(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.clients = 4, .pollers = 3, .faults = TLS}, 30);
}

static void sessions_are_elsewhere(void **state)
{
    (void)state;
    sim_story_test(
        &(struct sim_story){
            .clients = 4, .pollers = 3, .nodes = 2, .bus = {.held_ms = 20}, .faults = NETWORK},
        30);
}

static void pollers_are_rude(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.clients = 4, .pollers = 3, .rude = true, .faults = TLS},
                   30);
}

static void limits_are_tiny(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.clients = 5,
                                       .pollers = 2,
                                       .cuts = true,
                                       .slow = true,
                                       .tiny = true,
                                       .faults = NETWORK},
                   30);
}

static void limits_are_tiny_and_pollers_rude(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.clients = 4,
                                       .pollers = 3,
                                       .cuts = true,
                                       .slow = true,
                                       .tiny = true,
                                       .rude = true,
                                       .members = true,
                                       .faults = TLS},
                   30);
}

static void nodes_go_away(void **state)
{
    (void)state;
    sim_story_test(&(struct sim_story){.clients = 4,
                                       .pollers = 3,
                                       .cuts = true,
                                       .rude = true,
                                       .crashes = true,
                                       .drains = true,
                                       .tiny = true,
                                       .nodes = 2,
                                       .bus = {.lost = 50, .twice = 50, .held_ms = 50},
                                       .faults = TLS},
                   30);
}

CHECK_MAIN(cmocka_unit_test(limits_are_tiny), cmocka_unit_test(limits_are_tiny_and_pollers_rude),
           cmocka_unit_test(nodes_go_away), cmocka_unit_test(requests_do_not_wait),
           cmocka_unit_test(the_network_is_slow), cmocka_unit_test(bytes_come_in_records),
           cmocka_unit_test(sessions_are_elsewhere), cmocka_unit_test(pollers_are_rude))
