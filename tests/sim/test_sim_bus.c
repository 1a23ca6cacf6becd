/* The bus over a model of Redis, as scenes: what befalls it is noticed, and nothing that
 * was rung meanwhile is forgotten. The last four failed before they were mended. */
#include "base/str.h"
#include "bus/bus_redis.h"
#include "lib/bus_rig.h"

enum { NOTICED_WITHIN_MS = 15000, STEP_MS = 20 };

static struct bus_rig_loop *ear(struct bus_rig *r)
{
    return &r->nodes[1].loops[0];
}

static void ring(struct bus_rig *r, uint64_t seq)
{
    bus_ring(r->nodes[0].bus, STR("room"), seq, STR(""));
}

/* The second node follows it, and was rung for. */
static void begin(struct bus_rig *r)
{
    bus_follow(r->nodes[1].bus, ear(r)->io, STR("room"), true);
    (void)bus_rig_wait(r, ear(r), 0, BUS_LOOK, "room");
    ring(r, 1);
    (void)bus_rig_wait(r, ear(r), 0, BUS_RING, "room");
}

static void wait_degraded(struct bus_rig *r, unsigned node, bool degraded)
{
    for (unsigned ms = 0; bus_degraded(r->nodes[node].bus) != degraded; ms += STEP_MS) {
        if (ms > NOTICED_WITHIN_MS)
            fail_msg("node %u is not %s", node, degraded ? "degraded" : "well");
        bus_rig_rest(r, STEP_MS);
    }
}

static bool hears(struct bus_rig *r, unsigned from, uint64_t seq)
{
    for (unsigned i = from; i < ear(r)->events_n; i++)
        if (ear(r)->events[i].kind == BUS_RING && ear(r)->events[i].seq == seq)
            return true;
    return false;
}

static void wait_heard(struct bus_rig *r, unsigned from, uint64_t seq)
{
    for (unsigned ms = 0; !hears(r, from, seq); ms += STEP_MS) {
        if (ms > NOTICED_WITHIN_MS)
            fail_msg("doorbell %llu is not heard", (unsigned long long)seq);
        bus_rig_rest(r, STEP_MS);
    }
}

static void all_killed(struct redis_model *m)
{
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        redis_model_kill(m, i);
}

static void all_paused(struct redis_model *m)
{
    for (unsigned i = 0; i < REDIS_MODEL_SERVERS; i++)
        redis_model_pause(m, i, true);
}

static void refusing(struct redis_model *m)
{
    redis_model_set(m, (struct redis_model_faults){.refuse = "LOADING it is loading"});
}

static void out_of_reach(struct redis_model *m)
{
    redis_model_part(m, 0, true);
}

/* Degraded, whatever it is; when all is well again the last doorbell is heard, or, if it
 * came before the subscription, the room is looked at. */
static void trouble_is_noticed(void **state)
{
    static void (*const troubles[])(struct redis_model * m) = {all_killed, all_paused, refusing,
                                                               out_of_reach};
    struct bus_rig *r = *state;

    begin(r);
    for (unsigned i = 0; i < COUNTOF(troubles); i++) {
        unsigned from = ear(r)->events_n, healed;

        troubles[i](r->served);
        ring(r, 10 * i + 11);
        wait_degraded(r, 0, true);
        ring(r, 10 * i + 12);
        bus_rig_rest(r, 5000);
        assert_false(hears(r, from, 10 * i + 12));
        redis_model_set(r->served, (struct redis_model_faults){0});
        redis_model_heal(r->served);
        wait_degraded(r, 0, false);
        healed = ear(r)->events_n;
        wait_degraded(r, 1, false);
        if (!hears(r, from, 10 * i + 12))
            (void)bus_rig_wait(r, ear(r), healed, BUS_LOOK, "room");
        ring(r, 10 * i + 13);
        wait_heard(r, healed, 10 * i + 13);
    }
}

/* Cut off for what it had not taken, it subscribes anew and looks. */
static void who_does_not_read_is_cut_off(void **state)
{
    struct bus_rig *r = *state;
    uint8_t bytes[BUS_BYTES_MAX] = {0};
    unsigned from;

    begin(r);
    from = ear(r)->events_n;
    redis_model_set(r->served, (struct redis_model_faults){.unsent_max = 3 * BUS_BYTES_MAX});
    for (unsigned i = 0; i < 40; i++)
        bus_ring(r->nodes[0].bus, STR("room"), 2 + i, (struct str){bytes, sizeof(bytes)});
    (void)bus_rig_wait(r, ear(r), from, BUS_LOOK, "room");
    assert_true(redis_model_count(r->served).cut > 0);
    redis_model_set(r->served, (struct redis_model_faults){0});
    wait_degraded(r, 1, false);
    ring(r, 100);
    wait_heard(r, from, 100);
}

/* When another takes over, subscriptions go there as well: at the replica that the first
 * has become nothing is heard while the two do not hear of each other. */
static void both_connections_go_to_the_primary(void **state)
{
    struct bus_rig *r = *state;

    begin(r);
    redis_model_promote(r->served, 1, false);
    bus_rig_rest(r, 10000);
    wait_degraded(r, 0, false);
    wait_degraded(r, 1, false);
    redis_model_promote(r->served, 0, true);
    bus_rig_rest(r, 500);
    ring(r, 2);
    bus_rig_rest(r, 500);
    assert_true(hears(r, 0, 2));
}

/* One node stays with each of two that take themselves for the primary. */
static void go_apart(struct bus_rig *r)
{
    bool apart = false;

    redis_model_promote(r->served, 1, true);
    for (uint64_t seq = 100; !apart; seq++) {
        assert_true(seq < 200);
        redis_model_part(r->served, 1, true);
        wait_degraded(r, 1, true);
        redis_model_part(r->served, 1, false);
        wait_degraded(r, 1, false);
        bus_rig_rest(r, 3000);
        ring(r, seq);
        bus_rig_rest(r, 500);
        apart = !hears(r, 0, seq);
    }
}

/* What the one that was not the primary had taken is rung again. */
static void rung_where_nobody_heard(void **state)
{
    struct bus_rig *r = *state;

    begin(r);
    go_apart(r);
    ring(r, 1000);
    bus_rig_rest(r, 1000);
    assert_false(hears(r, 0, 1000));
    redis_model_heal(r->served);
    wait_heard(r, 0, 1000);
}

/* And what was rung longer ago is looked for when the other is heard of again. */
static void rung_long_ago_where_nobody_heard(void **state)
{
    struct bus_rig *r = *state;
    unsigned from;

    begin(r);
    from = ear(r)->events_n;
    go_apart(r);
    (void)bus_rig_wait(r, ear(r), from, BUS_NODE_DOWN, NULL);
    bus_rig_rest(r, 1000);
    ring(r, 1000);
    bus_rig_rest(r, 60000);
    from = ear(r)->events_n;
    redis_model_heal(r->served);
    (void)bus_rig_wait(r, ear(r), from, BUS_NODE_UP, NULL);
    (void)bus_rig_wait(r, ear(r), from, BUS_LOOK, "room");
    assert_false(hears(r, 0, 1000));
}

/* One that nobody had heard of rang for the last time; the next in its place is heard of. */
static void rung_by_one_that_was_never_heard(void **state)
{
    struct bus_rig *r = *state;
    struct io_host *host = sim_host_new(r->sim);
    unsigned from;
    struct bus *unheard, *next;

    begin(r);
    redis_model_part(r->served, BUS_RIG_NODES, true); /* the next one's way */
    unheard = bus_rig_end(r, host);
    assert_int_equal(bus_redis_start(unheard, STR("test")), 0);
    bus_ring(unheard, STR("room"), 1000, STR(""));
    bus_rig_rest(r, 5000);
    bus_stop(unheard);
    bus_rig_rest(r, 5000);
    from = ear(r)->events_n;
    redis_model_part(r->served, BUS_RIG_NODES, false);
    next = bus_rig_end(r, host);
    assert_int_equal(bus_redis_start(next, STR("test")), 0);
    (void)bus_rig_wait(r, ear(r), from, BUS_NODE_UP, NULL);
    (void)bus_rig_wait(r, ear(r), from, BUS_LOOK, "room");
    assert_false(hears(r, 0, 1000));
    bus_stop(next);
    host_join(host);
    bus_close(unheard);
    bus_close(next);
    host_free(host);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, bus_rig_redis_sim, bus_rig_teardown)

CHECK_MAIN(ON(trouble_is_noticed), ON(who_does_not_read_is_cut_off),
           ON(both_connections_go_to_the_primary), ON(rung_where_nobody_heard),
           ON(rung_long_ago_where_nobody_heard), ON(rung_by_one_that_was_never_heard))
