/* A node that is cut off from Redis, and not from the store: what is said there is shown
 * elsewhere, and what is said elsewhere is shown there, within the time that bus.h gives.
 * Without looking for nodes that are missing it was shown after the cut only. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"

#include <string.h>

enum {
    SEEDS = 20,
    /* A poll, and the time of a read and of the network. */
    SHOWN_WITHIN_MS = BUS_POLL_MAX_MS + 1000,
};

static uint64_t cursor_of(struct sim_scene *s, unsigned client)
{
    struct sim_client *c = &s->clients[client];

    return c->rooms[sim_client_room(c, "general")].follow.cursor;
}

/* Until client was shown all that the sender has; fails after ms. The time that it took. */
static uint64_t wait_shown(struct sim_scene *s, unsigned sender, unsigned client, uint64_t ms)
{
    uint64_t from = sim_now_ms(s->sim), before = cursor_of(s, sender);

    while (cursor_of(s, sender) == before || cursor_of(s, client) < cursor_of(s, sender)) {
        if (sim_now_ms(s->sim) > from + ms)
            fail_msg("%s was not shown %llu within %llu ms of virtual time",
                     s->clients[client].name, (unsigned long long)cursor_of(s, sender),
                     (unsigned long long)ms);
        sim_scene_step(s);
    }
    return sim_now_ms(s->sim) - from;
}

static void begin(struct sim_scene *s, uint64_t seed)
{
    sim_scene_begin(s, 2, seed, (struct sim_faults){.job_ms = 5});
    sim_scene_redis(s, seed);
    sim_scene_start(s, NULL, 1 + (unsigned)seed % 3);
    sim_scene_start(s, NULL, 1 + (unsigned)seed / 3 % 3);
    sim_scene_enter(s, 0, 0, "general");
    sim_scene_enter(s, 1, 1, "general");
    sim_scene_settle(s, 20000);
    sim_scene_pass(s, 5000 + rng_below(&s->rng, 5000));
}

static uint64_t polls_of(const struct sim_node *n)
{
    struct bus_stats stats;

    bus_stats(n->bus, &stats);
    return stats.polls;
}

static void said_while_cut_off(void **state)
{
    (void)state;
    CHECK_EACH_SEED (seed, SEEDS) {
        struct sim_scene s;
        unsigned cut = seed % 2;
        uint64_t took = 0;

        begin(&s, seed);
        assert_int_equal(polls_of(s.nodes[0]) + polls_of(s.nodes[1]), 0);
        redis_model_part(s.redis, cut, true);
        sim_scene_pass(&s, rng_below(&s.rng, 20000));
        for (unsigned i = 0; i < 6; i++) {
            unsigned from = i / 3 == 0 ? cut : 1 - cut;

            sim_scene_send(&s, from, "general", 1, 20);
            took = wait_shown(&s, from, 1 - from, SHOWN_WITHIN_MS);
            if (i % 3 == 2) /* a conversation: the room is looked at sooner */
                assert_in_range(took, 0, 2500);
        }
        sim_scene_pass(&s, 60000 + rng_below(&s.rng, 60000)); /* all is quiet for long */
        for (unsigned from = 0; from < 2; from++) {
            sim_scene_send(&s, from, "general", 1, 20);
            (void)wait_shown(&s, from, 1 - from, SHOWN_WITHIN_MS);
        }
        redis_model_part(s.redis, cut, false);
        sim_scene_settle(&s, 20000);
        sim_scene_pass(&s, 30000);
        took = polls_of(s.nodes[1 - cut]);
        sim_scene_pass(&s, 60000);
        assert_int_equal(polls_of(s.nodes[1 - cut]), took);
        sim_scene_end(&s);
    }
}

CHECK_MAIN(cmocka_unit_test(said_while_cut_off))
