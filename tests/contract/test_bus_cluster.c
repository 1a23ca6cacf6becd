/* The bus over a real Redis cluster whose slots move and whose primaries die: what was
 * rung is heard, or looked for. Skipped where there is no redis-server. */
#include "base/str.h"
#include "bus/bus_redis.h"
#include "lib/bus_rig.h"
#include "wire/slots.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { WITHIN_MS = 12000, SOON_MS = 300, ROOMS = 24 };

#define NEEDS(r)              \
    do {                      \
        if ((r)->url == NULL) \
            skip();           \
    } while (0)

static void wait_degraded(struct bus_rig *r, bool degraded)
{
    for (unsigned ms = 0; ms < WITHIN_MS; ms += 20) {
        if (bus_degraded(r->nodes[0].bus) == degraded && bus_degraded(r->nodes[1].bus) == degraded)
            return;
        bus_rig_rest(r, 20);
    }
    fail_msg("the buses are not %s", degraded ? "degraded" : "well");
}

static const char *room(unsigned i)
{
    static char names[ROOMS][8];

    (void)snprintf(names[i], sizeof(names[i]), "room%u", i);
    return names[i];
}

/* Rooms in slots of every primary. */
static void follow_all(struct bus_rig *r)
{
    struct bus_rig_loop *l = &r->nodes[1].loops[0];

    for (unsigned i = 0; i < ROOMS; i++)
        bus_follow(r->nodes[1].bus, l->io, str_of(room(i)), true);
    for (unsigned i = 0; i < ROOMS; i++)
        (void)bus_rig_wait(r, l, 0, BUS_LOOK, room(i));
}

static void ring_all(struct bus_rig *r, uint64_t seq)
{
    for (unsigned i = 0; i < ROOMS; i++)
        bus_ring(r->nodes[0].bus, str_of(room(i)), seq, STR("entries"));
}

/* From now on each room is rung for or looked at, at least. */
static void each_is_told(struct bus_rig *r, unsigned from)
{
    struct bus_rig_loop *l = &r->nodes[1].loops[0];

    for (unsigned i = 0; i < ROOMS; i++) {
        unsigned k = from;

        for (unsigned ms = 0;; k++) {
            for (; k == l->events_n; ms += 20) {
                if (ms > WITHIN_MS)
                    fail_msg("nothing was said of %s", room(i));
                bus_rig_rest(r, 20);
            }
            if ((l->events[k].kind == BUS_RING || l->events[k].kind == BUS_LOOK) &&
                strcmp(l->events[k].room, room(i)) == 0)
                break;
        }
    }
}

/* Every doorbell arrives, once, and nothing is looked at? */
static bool hears_all(struct bus_rig *r, uint64_t seq)
{
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned from = l->events_n, heard[ROOMS] = {0}, looks = 0;

    ring_all(r, seq);
    bus_rig_rest(r, SOON_MS);
    for (unsigned k = from; k < l->events_n; k++) {
        const struct bus_rig_event *e = &l->events[k];

        looks += e->kind == BUS_LOOK;
        for (unsigned i = 0; i < ROOMS; i++)
            heard[i] += e->kind == BUS_RING && e->seq == seq && strcmp(e->room, room(i)) == 0;
    }
    for (unsigned i = 0; i < ROOMS; i++)
        if (heard[i] != 1)
            return false;
    return looks == 0;
}

/* All is as it should be, or soon will be: who was away may tell stale things first. */
static void is_well(struct bus_rig *r, uint64_t seq)
{
    wait_degraded(r, false);
    for (unsigned ms = 0; !hears_all(r, seq); ms += SOON_MS)
        if (ms > WITHIN_MS)
            fail_msg("doorbells do not arrive, or twice");
    assert_false(bus_degraded(r->nodes[0].bus) || bus_degraded(r->nodes[1].bus));
}

/* Messages are sharded: of each primary, some. */
static void each_primary_carries_some(void **state)
{
    struct bus_rig *r = *state;
    struct bus_stats s;

    NEEDS(r);
    follow_all(r);
    is_well(r, 1);
    for (unsigned i = 0; i < r->cluster->primaries_n; i++) {
        assert_string_not_equal(redis_rig_say(&r->cluster->nodes[i], "PUBSUB SHARDCHANNELS"), "*0");
        assert_string_equal(redis_rig_say(&r->cluster->nodes[i], "PUBSUB CHANNELS"), "*0");
    }
    bus_stats(r->nodes[1].bus, &s);
    assert_int_equal(s.shards, 3);
    assert_int_equal(s.shards_down, 0);
    assert_true(s.slot_maps >= 1);
}

/* One that has no replica: the cluster is down until it is back. */
static void a_shard_is_gone(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned from;

    NEEDS(r);
    follow_all(r);
    is_well(r, 1);
    redis_rig_signal(&r->cluster->nodes[2], SIGKILL);
    redis_cluster_wait(r->cluster, 1, "CLUSTER INFO", "cluster_state:fail");
    wait_degraded(r, true);
    from = l->events_n;
    ring_all(r, 2);
    each_is_told(r, from);
    assert_true(bus_degraded(r->nodes[0].bus));
    redis_cluster_restart(r->cluster, 2, NULL);
    is_well(r, 3);
    assert_int_equal(bus_rig_count(l, BUS_NODE_DOWN, NULL), 0);
}

static void move_once(struct redis_cluster *c, unsigned slot, bool *moved)
{
    unsigned from = redis_cluster_of(c, slot);

    if (!*moved)
        redis_cluster_move(c, slot, from, (from + 1) % c->primaries_n);
    *moved = true;
}

/* The slots of every channel there is move to the next primary, and all goes on. */
static void slots_move(void **state)
{
    static bool moved[SLOTS_N];
    struct bus_rig *r = *state;
    unsigned from;

    NEEDS(r);
    follow_all(r);
    is_well(r, 1);
    from = r->nodes[1].loops[0].events_n;
    for (unsigned i = 0; i < r->cluster->primaries_n; i++) {
        char *rest = strdup(redis_rig_answer(&r->cluster->nodes[i], "PUBSUB SHARDCHANNELS"));
        char *all = rest, *line;

        while ((line = strsep(&rest, "\r")) != NULL)
            if (strncmp(line, "\ntest:", 6) == 0) {
                unsigned slot = slots_of(str_of(line + 1));

                move_once(r->cluster, slot, &moved[slot]);
            }
        free(all);
    }
    ring_all(r, 2);
    each_is_told(r, from);
    is_well(r, 3);
}

/* A primary is killed, and its replica takes over; then it comes back, as a replica, and
 * takes over from the other, which does not answer for a while. */
static void primaries_fail_over(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    struct redis_cluster *c = r->cluster;
    struct bus_stats s;
    unsigned from;

    NEEDS(r);
    follow_all(r);
    is_well(r, 1);
    redis_rig_signal(&c->nodes[0], SIGKILL);
    wait_degraded(r, true);
    bus_stats(r->nodes[0].bus, &s);
    assert_int_equal(s.shards_down, 1);
    from = l->events_n;
    ring_all(r, 2);
    each_is_told(r, from);
    is_well(r, 3);
    redis_cluster_restart(c, 0, NULL);
    redis_cluster_wait(c, 0, "INFO replication", "master_link_status:up");
    is_well(r, 4);
    redis_rig_signal(&c->nodes[3], SIGSTOP);
    from = l->events_n;
    ring_all(r, 5);
    each_is_told(r, from);
    redis_cluster_wait(c, 0, "ROLE", "master");
    wait_degraded(r, false);
    redis_rig_signal(&c->nodes[3], SIGCONT);
    redis_cluster_wait(c, 3, "INFO replication", "master_link_status:up");
    is_well(r, 6);
    assert_int_equal(bus_rig_count(l, BUS_NODE_DOWN, NULL), 0);
}

#define CASE(f, setup) cmocka_unit_test_setup_teardown(f, setup, bus_rig_teardown)

CHECK_MAIN(CASE(each_primary_carries_some, bus_rig_cluster), CASE(a_shard_is_gone, bus_rig_cluster),
           CASE(slots_move, bus_rig_cluster), CASE(primaries_fail_over, bus_rig_cluster_own))
