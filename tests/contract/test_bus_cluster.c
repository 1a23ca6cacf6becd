/* The bus over a real Redis cluster whose slots move and whose primaries die: what was
 * rung is heard, or looked for. Skipped where there is no redis-server. */
#include "base/str.h"
#include "bus/bus_redis.h"
#include "lib/at_once.h"
#include "lib/bus_rig.h"
#include "lib/certs.h"
#include "lib/ports.h"
#include "wire/slots.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { WITHIN_MS = 12000, NOT_WITHIN_MS = 800, SOON_MS = 300, ROOMS = 24 };

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

/* A bus alone, and what it said last. */
static void said(void *ctx, bool up, const char *why)
{
    (void)snprintf(ctx, 256, "%s: %s", up ? "up" : "down", why);
}

static bool comes_up(struct bus_rig *r, const struct bus_redis_options *options, unsigned within_ms,
                     char last[256])
{
    struct bus_redis_options o = *options;
    char why[BUS_REDIS_WHY_MAX];
    struct io_host *host;
    struct bus *b;
    bool up;

    last[0] = '\0';
    o.changed = said;
    o.ctx = last;
    assert_int_equal(host_epoll_new(&host), 0);
    if (bus_redis_new(host, &o, &b, why) != 0)
        fail_msg("%s", why);
    bus_rig_start(b, "test");
    for (unsigned ms = 0; ms < within_ms && bus_degraded(b); ms += 20)
        bus_rig_rest(r, 20);
    up = !bus_degraded(b);
    bus_stop(b);
    host_join(host);
    bus_close(b);
    host_free(host);
    return up;
}

/* docs/redis.md: no right is missing, and none is too many. */
static void rights(void **state)
{
    static const char *const all[] = {"+spublish", "+ssubscribe", "+cluster|slots"};
    struct bus_rig *r = *state;
    struct bus_redis_system system = bus_rig_system("test");
    char url[128], last[256], command[512], name[BUS_REDIS_NAME_MAX];

    NEEDS(r);
    bus_redis_name(&system, name);
    (void)snprintf(url, sizeof(url), "redis://chat:secret@127.0.0.1:%u", r->cluster->nodes[0].port);
    for (size_t without = 0; without <= COUNTOF(all); without++) {
        bool whole = without == COUNTOF(all);
        int n = snprintf(command, sizeof(command),
                         "ACL SETUSER chat reset on >secret resetchannels &%s:* -@all +auth "
                         "+hello +select +ping +role +publish +subscribe +unsubscribe "
                         "+sunsubscribe",
                         name);

        for (size_t i = 0; i < COUNTOF(all); i++)
            if (i != without)
                n += snprintf(command + n, sizeof(command) - (size_t)n, " %s", all[i]);
        for (unsigned i = 0; i < r->cluster->n; i++)
            assert_string_equal(redis_rig_say(&r->cluster->nodes[i], command), "+OK");
        assert_int_equal(comes_up(r, &(struct bus_redis_options){.url = url},
                                  whole ? WITHIN_MS : NOT_WITHIN_MS, last),
                         whole);
        if (!whole)
            assert_non_null(strstr(last, "NOPERM"));
    }
}

static bool give_password(void *ctx, struct str user, struct buf *out,
                          char why[static BUS_REDIS_WHY_MAX])
{
    (void)user;
    (void)why;
    atomic_fetch_add((_Atomic unsigned *)ctx, 1);
    buf_append(out, STR("secret"));
    return true;
}

/* Of many nodes that are called at once it is asked for once or twice. */
static void one_password_for_all(void **state)
{
    struct bus_rig *r = *state;
    _Atomic unsigned asked_n = 0;
    char url[128], last[256];
    struct bus_redis_options o = {.url = url, .password = give_password, .password_ctx = &asked_n};

    NEEDS(r);
    for (unsigned i = 0; i < r->cluster->n; i++)
        assert_string_equal(
            redis_rig_say(&r->cluster->nodes[i], "ACL SETUSER chat reset on >secret &* +@all"),
            "+OK");
    (void)snprintf(url, sizeof(url), "redis://chat@127.0.0.1:%u", r->cluster->nodes[0].port);
    if (!comes_up(r, &o, WITHIN_MS, last))
        fail_msg("%s", last);
    assert_in_range(atomic_load(&asked_n), 1, 2);
}

/* As ElastiCache has it: TLS, one name for all, and each node told by its own. */
static void over_tls(void **state)
{
    struct bus_rig *r = *state;
    struct redis_cluster secure = {0};
    struct certs certs;
    char port[8], url[64], last[256];
    const char *args[] = {"--tls-port",
                          port,
                          "--tls-cert-file",
                          certs.cert,
                          "--tls-key-file",
                          certs.key,
                          "--tls-ca-cert-file",
                          certs.cert,
                          "--tls-auth-clients",
                          "no",
                          "--tls-cluster",
                          "yes",
                          "--cluster-announce-hostname",
                          "localhost",
                          "--cluster-preferred-endpoint-type",
                          "hostname",
                          NULL};
    struct bus_redis_options o = {.url = url, .ca_file = certs.cert};

    NEEDS(r);
    certs_make(&certs, "localhost");
    (void)snprintf(port, sizeof(port), "%u", ports_free());
    (void)snprintf(url, sizeof(url), "rediss://localhost:%s", port);
    redis_cluster_start(&secure, 1, 0, args);
    if (!comes_up(r, &o, WITHIN_MS, last))
        fail_msg("%s", last);
    assert_string_equal(redis_rig_say(&secure.nodes[0], "CONFIG SET cluster-announce-ip 127.0.0.1 "
                                                        "cluster-preferred-endpoint-type ip"),
                        "+OK");
    assert_false(comes_up(r, &o, NOT_WITHIN_MS, last));
    assert_non_null(strstr(last, "TLS: IP address mismatch"));
    redis_cluster_stop(&secure);
    certs_remove(&certs);
}

#define CASE(f, setup) cmocka_unit_test_setup_teardown(f, setup, bus_rig_teardown)

AT_ONCE_MAIN(CASE(each_primary_carries_some, bus_rig_cluster),
             CASE(a_shard_is_gone, bus_rig_cluster), CASE(rights, bus_rig_cluster),
             CASE(one_password_for_all, bus_rig_cluster), CASE(over_tls, bus_rig_cluster),
             CASE(slots_move, bus_rig_cluster), CASE(primaries_fail_over, bus_rig_cluster_own))
