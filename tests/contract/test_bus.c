/* The contract of bus/bus.h, clause by clause, over every implementation: the model of the
 * simulator, Redis, modelled and real, and a cluster of Redis. What befalls them is in
 * test_bus_redis.c and test_bus_cluster.c. */
#include "base/str.h"
#include "lib/bus_rig.h"

#include <stdlib.h>
#include <string.h>

#define NEEDS(r)                                  \
    do {                                          \
        if ((r)->sim == NULL && (r)->url == NULL) \
            skip();                               \
    } while (0)

static void follow(struct bus_rig *r, unsigned node, unsigned loop, const char *room)
{
    struct bus_rig_loop *l = &r->nodes[node].loops[loop];
    unsigned from = l->events_n;

    l->calling = true;
    bus_follow(r->nodes[node].bus, l->io, str_of(room), true);
    l->calling = false;
    (void)bus_rig_wait(r, l, from, BUS_LOOK, room);
}

static bool has_bytes(const struct bus_rig_event *e, const char *text)
{
    return e->bytes_n == strlen(text) && memcmp(e->bytes, text, e->bytes_n) == 0;
}

/* 1, 3, 4, 5: it reaches the loop that follows, and no other, with all it carries. */
static void rings_reach_followers(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[1];
    const struct bus_rig_event *e;

    NEEDS(r);
    follow(r, 1, 1, "room");
    follow(r, 0, 0, "room");
    r->nodes[1].loops[1].calling = true;
    bus_ring(r->nodes[0].bus, STR("room"), 7, STR("the entries"));
    r->nodes[1].loops[1].calling = false;
    e = bus_rig_wait(r, l, 0, BUS_RING, "room");
    assert_int_equal(e->seq, 7);
    assert_int_equal(e->node, bus_self(r->nodes[0].bus));
    assert_true(has_bytes(e, "the entries"));
    bus_ring(r->nodes[0].bus, STR("other"), 8, STR(""));
    bus_ring(r->nodes[0].bus, STR("room"), 9, STR(""));
    (void)bus_rig_wait(r, l, (unsigned)(e - l->events) + 1, BUS_RING, "room");
    assert_int_equal(bus_rig_count(l, BUS_RING, NULL), 2);
    assert_int_equal(bus_rig_count(&r->nodes[1].loops[0], BUS_RING, NULL), 0);
    assert_int_equal(bus_rig_count(&r->nodes[0].loops[0], BUS_RING, NULL), 0);
}

/* 1: of what is too long the seq alone. */
static void long_rings_are_seqs(void **state)
{
    struct bus_rig *r = *state;
    uint8_t *bytes = calloc(1, BUS_BYTES_MAX + 1);
    const struct bus_rig_event *e;

    NEEDS(r);
    assert_non_null(bytes);
    follow(r, 1, 0, "room");
    bus_ring(r->nodes[0].bus, STR("room"), 1, (struct str){bytes, BUS_BYTES_MAX + 1});
    e = bus_rig_wait(r, &r->nodes[1].loops[0], 0, BUS_RING, "room");
    assert_int_equal(e->bytes_n, 0);
    bus_ring(r->nodes[0].bus, STR("room"), 2, (struct str){bytes, BUS_BYTES_MAX});
    e = bus_rig_wait(r, &r->nodes[1].loops[0], (unsigned)(e - r->nodes[1].loops[0].events) + 1,
                     BUS_RING, "room");
    assert_int_equal(e->bytes_n, BUS_BYTES_MAX);
    free(bytes);
}

/* 2: a room's to who follows, a topic of every node to every loop. */
static void casts(void **state)
{
    struct bus_rig *r = *state;
    uint8_t *bytes = calloc(1, BUS_CAST_MAX + 1);

    NEEDS(r);
    assert_non_null(bytes);
    follow(r, 1, 0, "room");
    bus_cast(r->nodes[0].bus, STR("room"), (struct str){bytes, BUS_CAST_MAX + 1});
    bus_cast(r->nodes[0].bus, STR("room"), STR("typing"));
    assert_true(has_bytes(bus_rig_wait(r, &r->nodes[1].loops[0], 0, BUS_CAST, "room"), "typing"));
    assert_int_equal(bus_rig_count(&r->nodes[1].loops[0], BUS_CAST, NULL), 1);
    bus_cast(r->nodes[0].bus, STR("$revoked"), (struct str){bytes, BUS_CAST_MAX});
    for (unsigned i = 0; i < BUS_RIG_LOOPS; i++) {
        const struct bus_rig_event *e =
            bus_rig_wait(r, &r->nodes[1].loops[i], 0, BUS_CAST, "$revoked");

        assert_int_equal(e->bytes_n, BUS_CAST_MAX);
        assert_int_equal(e->node, bus_self(r->nodes[0].bus));
    }
    assert_int_equal(bus_rig_count(&r->nodes[0].loops[0], BUS_CAST, NULL), 0);
    free(bytes);
}

/* 3: who does not follow any more hears nothing; and again when it does. */
static void unfollowing(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];

    NEEDS(r);
    follow(r, 1, 0, "room");
    follow(r, 1, 0, "stays");
    bus_follow(r->nodes[1].bus, l->io, STR("room"), false);
    bus_rig_rest(r, 50);
    bus_ring(r->nodes[0].bus, STR("room"), 1, STR(""));
    bus_ring(r->nodes[0].bus, STR("stays"), 1, STR(""));
    (void)bus_rig_wait(r, l, 0, BUS_RING, "stays");
    assert_int_equal(bus_rig_count(l, BUS_RING, "room"), 0);
    follow(r, 1, 0, "room");
    bus_ring(r->nodes[0].bus, STR("room"), 2, STR(""));
    assert_int_equal(bus_rig_wait(r, l, 0, BUS_RING, "room")->seq, 2);
}

/* 6: each knows the other, until it says goodbye: then what is followed is looked at. */
static void nodes_come_and_go(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[0].loops[1];
    uint64_t other = bus_self(r->nodes[1].bus);
    unsigned from;

    NEEDS(r);
    assert_true(other != 0 && other != bus_self(r->nodes[0].bus));
    assert_int_equal(bus_rig_wait(r, l, 0, BUS_NODE_UP, NULL)->node, other);
    follow(r, 0, 1, "room");
    from = l->events_n;
    bus_stop(r->nodes[1].bus);
    assert_int_equal(bus_rig_wait(r, l, from, BUS_NODE_DOWN, NULL)->node, other);
    (void)bus_rig_wait(r, &r->nodes[0].loops[0], 0, BUS_NODE_DOWN, NULL);
    (void)bus_rig_wait(r, l, from, BUS_LOOK, "room");
}

/* 7 */
static void direct_mail(void **state)
{
    struct bus_rig *r = *state;
    const struct bus_rig_event *e;

    NEEDS(r);
    bus_direct(r->nodes[0].bus, bus_self(r->nodes[1].bus), 1, STR("for you"));
    bus_direct(r->nodes[0].bus, bus_self(r->nodes[1].bus) + 1, 1, STR("for nobody"));
    bus_direct(r->nodes[0].bus, bus_self(r->nodes[1].bus), 7, STR("for no loop"));
    e = bus_rig_wait(r, &r->nodes[1].loops[1], 0, BUS_DIRECT, NULL);
    assert_true(has_bytes(e, "for you"));
    assert_int_equal(e->node, bus_self(r->nodes[0].bus));
    bus_rig_rest(r, 50);
    assert_int_equal(bus_rig_count(&r->nodes[1].loops[1], BUS_DIRECT, NULL), 1);
    assert_true(
        has_bytes(bus_rig_wait(r, &r->nodes[1].loops[0], 0, BUS_DIRECT, NULL), "for no loop"));
    assert_int_equal(bus_rig_count(&r->nodes[1].loops[0], BUS_DIRECT, NULL), 1);
}

/* 9 */
static void silence(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned n;

    NEEDS(r);
    follow(r, 1, 0, "room");
    bus_stop(r->nodes[1].bus);
    n = l->events_n;
    bus_ring(r->nodes[0].bus, STR("room"), 1, STR(""));
    bus_cast(r->nodes[0].bus, STR("$all"), STR(""));
    bus_follow(r->nodes[1].bus, l->io, STR("more"), true);
    bus_ring(r->nodes[1].bus, STR("room"), 1, STR(""));
    bus_direct(r->nodes[1].bus, 1, 0, STR(""));
    bus_rig_rest(r, 100);
    assert_int_equal(l->events_n, n);
    assert_int_equal(bus_rig_count(&r->nodes[0].loops[0], BUS_RING, NULL), 0);
    bus_stop(r->nodes[1].bus);
}

/* Figures count; nobody lies. */
static void stats(void **state)
{
    struct bus_rig *r = *state;
    struct bus_stats s;

    NEEDS(r);
    follow(r, 1, 0, "room");
    bus_ring(r->nodes[0].bus, STR("room"), 1, STR(""));
    bus_cast(r->nodes[0].bus, STR("room"), STR("x"));
    (void)bus_rig_wait(r, &r->nodes[1].loops[0], 0, BUS_CAST, "room");
    bus_stats(r->nodes[0].bus, &s);
    assert_true(s.rings == 1 && s.casts == 1);
    bus_stats(r->nodes[1].bus, &s);
    assert_true(s.heard >= 2);
    for (unsigned i = 0; i < BUS_RIG_NODES; i++) {
        bus_stats(r->nodes[i].bus, &s);
        assert_true(s.forged == 0 && s.other_keys == 0 && s.stale == 0);
    }
}

#define CASES(setup)                                                                   \
    cmocka_unit_test_setup_teardown(rings_reach_followers, setup, bus_rig_teardown),   \
        cmocka_unit_test_setup_teardown(long_rings_are_seqs, setup, bus_rig_teardown), \
        cmocka_unit_test_setup_teardown(casts, setup, bus_rig_teardown),               \
        cmocka_unit_test_setup_teardown(unfollowing, setup, bus_rig_teardown),         \
        cmocka_unit_test_setup_teardown(nodes_come_and_go, setup, bus_rig_teardown),   \
        cmocka_unit_test_setup_teardown(direct_mail, setup, bus_rig_teardown),         \
        cmocka_unit_test_setup_teardown(silence, setup, bus_rig_teardown),             \
        cmocka_unit_test_setup_teardown(stats, setup, bus_rig_teardown)

CHECK_MAIN(CASES(bus_rig_model), CASES(bus_rig_redis_sim), CASES(bus_rig_redis),
           CASES(bus_rig_cluster))
