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

/* The node has proven to the other that it is there (again): what it rings is heard. */
static void wait_known(struct bus_rig *r)
{
    struct bus_stats stats;

    for (unsigned ms = 0;; ms += STEP_MS) {
        bus_stats(r->nodes[1].bus, &stats);
        if (stats.nodes == 1)
            return;
        if (ms > NOTICED_WITHIN_MS)
            fail_msg("node 0 is not known");
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
        unsigned from = ear(r)->events_n, rung, healed;

        troubles[i](r->served);
        ring(r, 10 * i + 11);
        wait_degraded(r, 0, true);
        ring(r, 10 * i + 12);
        rung = ear(r)->events_n;
        bus_rig_rest(r, 5000);
        assert_false(hears(r, from, 10 * i + 12));
        redis_model_set(r->served, (struct redis_model_faults){0});
        redis_model_heal(r->served);
        wait_degraded(r, 0, false);
        healed = ear(r)->events_n;
        wait_degraded(r, 1, false);
        if (!hears(r, from, 10 * i + 12)) /* a look finds what was there when it was rung */
            (void)bus_rig_wait(r, ear(r), rung, BUS_LOOK, "room");
        wait_known(r);
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
    bus_rig_start(unheard, "test");
    bus_ring(unheard, STR("room"), 1000, STR(""));
    bus_rig_rest(r, 5000);
    bus_stop(unheard);
    bus_rig_rest(r, 5000);
    from = ear(r)->events_n;
    redis_model_part(r->served, BUS_RIG_NODES, false);
    next = bus_rig_end(r, host);
    bus_rig_start(next, "test");
    (void)bus_rig_wait(r, ear(r), from, BUS_NODE_UP, NULL);
    (void)bus_rig_wait(r, ear(r), from, BUS_LOOK, "room");
    assert_false(hears(r, 0, 1000));
    bus_stop(next);
    host_join(host);
    bus_close(unheard);
    bus_close(next);
    host_free(host);
}

/* When the room was to be looked at behind the first `from` events, for ms; ret_pause_ms: the
 * longest time without. */
static unsigned looks_in(struct bus_rig *r, unsigned ms, unsigned *ret_pause_ms)
{
    unsigned before = bus_rig_count(ear(r), BUS_POLL, "room"), n = before, since = 0;

    *ret_pause_ms = 0;
    for (unsigned at = 0; at < ms; at += STEP_MS) {
        unsigned now;

        bus_rig_rest(r, STEP_MS);
        now = bus_rig_count(ear(r), BUS_POLL, "room");
        since = now > n ? 0 : since + STEP_MS;
        n = now;
        *ret_pause_ms = MAX(*ret_pause_ms, since);
    }
    return n - before;
}

/* A node that is cut off from Redis alone goes on to write, and cannot ring: the others look
 * for it, within seconds of the cut, then at least every 15 s, sooner where they find
 * something, until it is heard of again. */
static void looked_for_who_is_cut_off(void **state)
{
    struct bus_rig *r = *state;
    unsigned n, pause;

    begin(r);
    n = looks_in(r, 30000, &pause);
    assert_int_equal(n, 0); /* none while all is well */
    redis_model_part(r->served, 0, true);
    n = looks_in(r, 10000, &pause);
    assert_true(n > 0 && pause <= 6500);
    n = looks_in(r, 300000, &pause);
    assert_in_range(n, 300 / 15, 300 / 15 * 2 + 6);
    assert_true(pause <= 15500);
    for (unsigned i = 0; i < 10; i++) {
        bus_found(r->nodes[1].bus, STR("room"));
        n = looks_in(r, 1000, &pause);
        assert_true(n > 0);
    }
    redis_model_part(r->served, 0, false);
    wait_degraded(r, 0, false);
    (void)looks_in(r, 20000, &pause);
    n = looks_in(r, 60000, &pause);
    assert_int_equal(n, 0);
}

/* Nobody looks for one that said goodbye; for one that did not, no longer than ten minutes,
 * or until the store says that it has ended; as long as the store says that it lives. */
static void looked_for_until_it_is_gone(void **state)
{
    struct bus_rig *r = *state;
    uint64_t first = bus_self(r->nodes[0].bus);
    unsigned n, pause;

    begin(r);
    redis_model_part(r->served, 0, true);
    (void)looks_in(r, 20000, &pause);
    bus_alive(r->nodes[1].bus, first, false);
    (void)looks_in(r, 15000, &pause);
    n = looks_in(r, 60000, &pause);
    assert_int_equal(n, 0);
    for (unsigned i = 0; i < 200; i++) {
        bus_alive(r->nodes[1].bus, first, true);
        n = looks_in(r, 4000, &pause);
    }
    n = looks_in(r, 15000, &pause);
    assert_true(n > 0);
    (void)looks_in(r, 600000, &pause);
    n = looks_in(r, 60000, &pause);
    assert_int_equal(n, 0);
    redis_model_part(r->served, 0, false);
    wait_degraded(r, 0, false);
    bus_rig_rest(r, 20000);
    bus_stop(r->nodes[0].bus);
    n = looks_in(r, 120000, &pause);
    assert_int_equal(n, 0);
}

static unsigned heard_n(const struct bus_rig_loop *l, enum bus_kind kind, uint64_t node)
{
    unsigned n = 0;

    for (unsigned i = 0; i < l->events_n; i++)
        n += l->events[i].kind == kind && l->events[i].node == node;
    return n;
}

/* With as many lies as true messages only the true ones are heard, each once, and a room is
 * looked at no more often than every half second because of them. */
static void a_liar_is_not_heard(void **state)
{
    enum { RINGS = 300, EVERY_MS = 100 };
    struct bus_rig *r = *state;
    unsigned polls, looks;
    struct bus_stats s;

    begin(r);
    redis_model_lie(r->served, 1000);
    polls = bus_rig_count(ear(r), BUS_POLL, NULL);
    looks = bus_rig_count(ear(r), BUS_LOOK, NULL);
    for (uint64_t seq = 2; seq <= RINGS; seq++) {
        ring(r, seq);
        bus_direct(r->nodes[0].bus, bus_self(r->nodes[1].bus), 1, STR("for you"));
        bus_cast(r->nodes[0].bus, STR("$all"), STR("for all"));
        bus_rig_rest(r, EVERY_MS);
    }
    bus_stats(r->nodes[1].bus, &s);
    assert_true(redis_model_count(r->served).lies > RINGS);
    assert_true(s.forged > RINGS / 4 && s.stale > RINGS / 4);
    assert_int_equal(bus_rig_count(ear(r), BUS_RING, NULL), RINGS);
    assert_int_equal(bus_rig_count(ear(r), BUS_CAST, NULL), RINGS - 1);
    assert_int_equal(bus_rig_count(&r->nodes[1].loops[1], BUS_DIRECT, NULL), RINGS - 1);
    for (uint64_t seq = 1; seq <= RINGS; seq++)
        assert_true(hears(r, 0, seq));
    assert_int_equal(bus_rig_count(ear(r), BUS_LOOK, NULL), looks);
    assert_in_range(bus_rig_count(ear(r), BUS_POLL, NULL) - polls, 0, RINGS * EVERY_MS / 500);
    assert_int_equal(bus_rig_count(ear(r), BUS_NODE_DOWN, NULL), 0);
    assert_int_equal(bus_rig_count(ear(r), BUS_NODE_UP, NULL), 1);
}

/* What a node has said is not heard again when it has ended, however good its seals are. */
static void who_has_ended_does_not_speak(void **state)
{
    struct bus_rig *r = *state;
    struct io_host *host = sim_host_new(r->sim);
    struct bus *ended;
    uint64_t id;

    begin(r);
    redis_model_lie(r->served, 1000);
    ended = bus_rig_end(r, host);
    id = bus_self(ended);
    bus_rig_start(ended, "test");
    for (unsigned i = 0; heard_n(ear(r), BUS_NODE_UP, id) == 0 && i < 1000; i++)
        bus_rig_rest(r, STEP_MS);
    for (uint64_t seq = 100; seq < 120; seq++) {
        bus_ring(ended, STR("room"), seq, STR(""));
        bus_cast(ended, STR("$all"), STR("it"));
        bus_rig_rest(r, STEP_MS);
    }
    bus_rig_rest(r, 60000);
    bus_stop(ended);
    for (uint64_t seq = 200; seq < 500; seq++) {
        ring(r, seq);
        bus_rig_rest(r, STEP_MS * 5);
    }
    assert_int_equal(heard_n(ear(r), BUS_NODE_UP, id), 1);
    assert_int_equal(heard_n(ear(r), BUS_NODE_DOWN, id), 1);
    assert_int_equal(heard_n(ear(r), BUS_RING, id), 20);
    assert_int_equal(heard_n(ear(r), BUS_CAST, id), 20);
    host_join(host);
    bus_close(ended);
    host_free(host);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, bus_rig_redis_sim, bus_rig_teardown)

CHECK_MAIN(ON(trouble_is_noticed), ON(who_does_not_read_is_cut_off),
           ON(both_connections_go_to_the_primary), ON(rung_where_nobody_heard),
           ON(rung_long_ago_where_nobody_heard), ON(rung_by_one_that_was_never_heard),
           ON(looked_for_who_is_cut_off), ON(looked_for_until_it_is_gone), ON(a_liar_is_not_heard),
           ON(who_has_ended_does_not_speak))
