/* Nodes of one store that do not fit together: no bus between them, two buses, one that is
 * cut off, two token secrets, one id. The nodes see it by their heartbeats, and say so;
 * nothing is said of nodes that fit. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/sim_scene.h"
#include "server/node/alarms.h"

#include <string.h>

enum { NOTICED_MS = 40000 };

static bool has(const struct sim_scene *s, unsigned node, enum alarm id)
{
    return alarms_is(s->nodes[node]->server->alarms, id);
}

static uint64_t cursor_of(struct sim_scene *s, unsigned client)
{
    struct sim_client *c = &s->clients[client];

    return c->rooms[sim_client_room(c, "general")].follow.cursor;
}

static void wait_alarm(struct sim_scene *s, unsigned node, enum alarm id)
{
    uint64_t until = sim_now_ms(s->sim) + NOTICED_MS;

    while (!has(s, node, id)) {
        if (sim_now_ms(s->sim) > until)
            fail_msg("node %u does not say %s", node, alarms_name(id));
        sim_scene_step(s);
    }
}

static void none(const struct sim_scene *s)
{
    for (unsigned i = 0; i < s->nodes_n && !s->nodes[i]->crashed; i++)
        for (unsigned id = 0; id < ALARMS_N; id++)
            if (id != ALARM_bus_forged &&
                has(s, i, (enum alarm)id)) /* the model's bus has a liar */
                fail_msg("node %u says %s", i, alarms_name((enum alarm)id));
}

static void enter_both(struct sim_scene *s)
{
    sim_scene_enter(s, 0, 0, "general");
    sim_scene_enter(s, 1, 1, "general");
    sim_scene_settle(s, 20000);
}

/* Nor of one that ends, comes anew, or dies. */
static void who_fit_say_nothing(void **state)
{
    struct bus_stats stats;
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 3, 1, (struct sim_faults){.job_ms = 5});
    sim_scene_redis(&s, 1);
    sim_scene_start(&s, NULL, 2);
    sim_scene_start(&s, NULL, 2);
    enter_both(&s);
    for (unsigned i = 0; i < 30; i++) {
        sim_scene_send(&s, i % 2, "general", 1, 20);
        if (i % 3 == 0) /* and the other at once: one of the two meets the other's entry */
            sim_scene_send(&s, 1 - i % 2, "general", 1, 20);
        sim_scene_pass(&s, 4000);
        none(&s);
    }
    sim_scene_start(&s, NULL, 1);
    sim_scene_pass(&s, NOTICED_MS);
    none(&s);
    sim_node_crash(s.nodes[2]);
    for (unsigned i = 0; i < 90; i++) {
        sim_scene_pass(&s, 1000);
        none(&s);
    }
    bus_stats(s.nodes[0]->bus, &stats);
    assert_int_equal(stats.missing, 0); /* the store says that it has ended */
    sim_scene_settle(&s, 20000);
    sim_scene_end(&s);
}

static void write_behind(struct sim_scene *s, unsigned node, unsigned other)
{
    sim_scene_send(s, other, "general", 1, 20);
    sim_scene_pass(s, 2000);
    sim_scene_send(s, node, "general", 1, 20);
    sim_scene_pass(s, 2000);
}

/* Neither hears the other; who writes behind the other sees that, too. */
static void no_bus_between_them(void **state)
{
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 1, 1, (struct sim_faults){.job_ms = 5});
    sim_scene_start(&s, NULL, 2);
    sim_scene_start(&s, NULL, 2);
    enter_both(&s);
    write_behind(&s, 1, 0); /* at first that may have been the process before */
    assert_false(has(&s, 1, ALARM_foreign));
    wait_alarm(&s, 0, ALARM_unheard);
    wait_alarm(&s, 1, ALARM_unheard);
    sim_scene_pass(&s, 60000);
    write_behind(&s, 0, 1);
    assert_true(has(&s, 0, ALARM_foreign));
    assert_false(has(&s, 1, ALARM_foreign));
    sim_scene_end(&s);
}

/* Each on a Redis of its own: people are shown what there is all the same. */
static void two_buses(void **state)
{
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){.job_ms = 5});
    sim_scene_redis(&s, 1);
    sim_scene_start(&s, NULL, 2);
    sim_scene_redis(&s, 2);
    sim_scene_start(&s, NULL, 2);
    enter_both(&s);
    wait_alarm(&s, 0, ALARM_unheard);
    wait_alarm(&s, 1, ALARM_unheard);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t until = sim_now_ms(s.sim) + BUS_POLL_MAX_MS + 1000;

        sim_scene_send(&s, i % 2, "general", 1, 20);
        sim_scene_pass(&s, 500);
        while (cursor_of(&s, 0) != cursor_of(&s, 1)) {
            assert_true(sim_now_ms(s.sim) < until);
            sim_scene_step(&s);
        }
        sim_scene_pass(&s, 60000);
        assert_true(has(&s, 0, ALARM_unheard) && has(&s, 1, ALARM_unheard));
    }
    sim_scene_end(&s);
}

static unsigned missing(const struct sim_scene *s, unsigned node)
{
    struct bus_stats stats;

    bus_stats(s->nodes[node]->bus, &stats);
    return (unsigned)stats.missing;
}

static void cut_off(struct sim_scene *s)
{
    redis_model_part(s->redis, 1, true);
    while (missing(s, 0) == 0)
        sim_scene_step(s);
}

/* The other node is no alarm while it is cut off from Redis as shortly as happens; it is one
 * when that lasts. */
static void cut_off_for_a_while(void **state)
{
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){.job_ms = 5});
    sim_scene_redis(&s, 1);
    sim_scene_start(&s, NULL, 2);
    sim_scene_start(&s, NULL, 2);
    enter_both(&s);
    sim_scene_pass(&s, 20000); /* each has seen the other's heartbeat go forward */
    for (unsigned i = 0; i < 2; i++) {
        cut_off(&s);
        for (unsigned ms = 0; ms < 14000; ms += 100) {
            sim_scene_pass(&s, 100);
            assert_false(has(&s, 0, ALARM_unheard));
        }
        redis_model_part(s.redis, 1, false);
        while (missing(&s, 0) > 0)
            sim_scene_step(&s);
        sim_scene_pass(&s, NOTICED_MS);
        none(&s);
    }
    cut_off(&s);
    wait_alarm(&s, 0, ALARM_unheard);
    redis_model_part(s.redis, 1, false);
    sim_scene_settle(&s, 60000);
    sim_scene_end(&s);
}

static void two_secrets(void **state)
{
    static const char *const other[] = {"--token-secret=0123456789abcdef0123456789abcdef", NULL};
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){.job_ms = 5});
    sim_scene_redis(&s, 1);
    sim_scene_start(&s, NULL, 2);
    sim_scene_start(&s, other, 2);
    enter_both(&s);
    wait_alarm(&s, 0, ALARM_secrets);
    wait_alarm(&s, 1, ALARM_secrets);
    sim_scene_end(&s);
}

/* As after a machine was cloned: two processes with one run. The store is the same, and is
 * not taken for an older copy. */
static void one_id_twice(void **state)
{
    struct sim_scene s;

    (void)state;
    sim_scene_begin(&s, 2, 1, (struct sim_faults){.job_ms = 5});
    sim_scene_redis(&s, 1);
    sim_scene_start(&s, NULL, 2);
    sim_scene_pass(&s, 10000); /* its heartbeat is ahead */
    sim_scene_start(&s, NULL, 2);
    enter_both(&s);
    sim_scene_pass(&s, 3000);
    memcpy(s.nodes[1]->server->run, s.nodes[0]->server->run, SERVER_RUN_N);
    wait_alarm(&s, 0, ALARM_node_twice);
    sim_scene_pass(&s, 20000);
    assert_true(has(&s, 0, ALARM_node_twice) || has(&s, 1, ALARM_node_twice));
    assert_false(has(&s, 0, ALARM_store_changed) || has(&s, 1, ALARM_store_changed));
    sim_scene_send(&s, 0, "general", 1, 20);
    sim_scene_settle(&s, 20000);
    sim_scene_end(&s);
}

CHECK_MAIN(cmocka_unit_test(who_fit_say_nothing), cmocka_unit_test(no_bus_between_them),
           cmocka_unit_test(two_buses), cmocka_unit_test(cut_off_for_a_while),
           cmocka_unit_test(two_secrets), cmocka_unit_test(one_id_twice))
