/* A node drains while people talk: each of them has a connection at every moment, and
 * is shown everything, once. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"

#include <stdlib.h>

enum { DRAIN_MS = 6000 };

static const char *const args[] = {"--drain-ms=6s", NULL};

static void begin(struct sim_scene *s, uint64_t seed)
{
    sim_scene_begin(s, 2, seed, (struct sim_faults){.job_ms = 10});
    sim_scene_start(s, args, 1 + (unsigned)seed % 3);
    sim_scene_start(s, args, 1 + (unsigned)seed / 3 % 3);
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
        sim_scene_enter(s, i, i == 2, "general");
    sim_scene_settle(s, 5000);
    sim_scene_moves(s);
}

/* Talks, for so long, and looks at every step. */
static void talk(struct sim_scene *s, uint64_t ms)
{
    uint64_t until = sim_now_ms(s->sim) + ms, next = 0;

    while (sim_now_ms(s->sim) < until) {
        if (sim_now_ms(s->sim) >= next) {
            next = sim_now_ms(s->sim) + 20 + rng_below(&s->rng, 60);
            sim_scene_send(s, (unsigned)rng_below(&s->rng, SIM_SCENE_CLIENTS), "general", 1, 20);
        }
        sim_scene_step(s);
        for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
            if (!sim_mover_is_covered(&s->movers[i], "general"))
                fail_msg("%s has no connection", s->movers[i].line->name);
    }
}

static void drain(struct sim_scene *s, unsigned node)
{
    server_drain(s->nodes[node]->server);
    talk(s, DRAIN_MS + 500);
    for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
        assert_int_not_equal(s->movers[i].line->node, node);
    assert_int_equal(worker_sockets(s->nodes[node]->server), 0);
}

static void nobody_is_without_a_connection(void **state)
{
    uint64_t first = check_seed(1), seed = first, n = check_seeds(40);
    unsigned retries = 0;

    (void)state;
    for (; seed < first + n && check_try(seed, first); seed++) {
        struct sim_scene s;

        begin(&s, seed);
        drain(&s, 0);
        assert_int_equal(s.movers[2].moved_n, 0); /* its node stayed */
        server_undrain(s.nodes[0]->server);
        sim_scene_pass(&s, 100);
        drain(&s, 1); /* and back */
        for (unsigned i = 0; i < SIM_SCENE_CLIENTS; i++)
            retries += s.movers[i].retries_n;
        sim_node_stop(s.nodes[1]);
        talk(&s, 500);
        sim_scene_settle(&s, 5000);
        sim_scene_end(&s);
    }
    n = seed - first;
    assert_true(n < 20 || retries > n / 4); /* some came to the same node at first */
}

/* Told to stop, it lets everybody move before it does. */
static void it_stops_when_they_have_moved(void **state)
{
    struct sim_scene s;
    uint64_t begun;

    (void)state;
    begin(&s, check_seed(1));
    begun = sim_now_ms(s.sim);
    sim_node_stop(s.nodes[0]);
    while (!sim_node_ended(s.nodes[0]))
        talk(&s, 20);
    assert_in_range(sim_now_ms(s.sim) - begun, DRAIN_MS / 10, DRAIN_MS + 200);
    sim_scene_settle(&s, 5000);
    sim_scene_end(&s);
}

CHECK_MAIN(cmocka_unit_test(nobody_is_without_a_connection),
           cmocka_unit_test(it_stops_when_they_have_moved))
