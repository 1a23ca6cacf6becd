/* The bus over a real Redis that is killed, paused, that refuses, or is another's: slower,
 * never silent, and it says so. Skipped where there is no redis-server. */
#include "base/str.h"
#include "bus/bus_redis.h"
#include "lib/at_once.h"
#include "lib/bus_rig.h"
#include "lib/certs.h"
#include "lib/ports.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { GUARD_MS = 60000 };

#define NEEDS(r)              \
    do {                      \
        if ((r)->url == NULL) \
            skip();           \
    } while (0)

static void wait_degraded(struct bus_rig *r, bool degraded)
{
    for (unsigned ms = 0; ms < GUARD_MS; ms += 20) {
        if (bus_degraded(r->nodes[0].bus) == degraded && bus_degraded(r->nodes[1].bus) == degraded)
            return;
        bus_rig_rest(r, 20);
    }
    fail_msg("the buses are not %s", degraded ? "degraded" : "well");
}

static void follow(struct bus_rig *r, const char *room)
{
    struct bus_rig_loop *l = &r->nodes[1].loops[0];

    bus_follow(r->nodes[1].bus, l->io, str_of(room), true);
    (void)bus_rig_wait(r, l, 0, BUS_LOOK, room);
}

/* While it is gone rooms are looked at, first soon, then less and less; when it is back, a
 * doorbell that could not be rung is rung. */
static void killed(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned from, looks;
    struct bus_stats s;

    NEEDS(r);
    follow(r, "room");
    assert_false(bus_degraded(r->nodes[0].bus));
    redis_rig_signal(&r->redis, SIGKILL);
    wait_degraded(r, true);
    from = bus_rig_count(l, BUS_LOOK, "room");
    bus_ring(r->nodes[0].bus, STR("room"), 5, STR("lost"));
    bus_rig_rest(r, 4000);
    looks = bus_rig_count(l, BUS_LOOK, "room") - from;
    assert_in_range(looks, 2, 6);
    assert_int_equal(bus_rig_count(l, BUS_NODE_DOWN, NULL), 0);
    from = l->events_n;
    redis_rig_start(&r->redis, NULL);
    wait_degraded(r, false);
    (void)bus_rig_wait(r, l, from, BUS_LOOK, "room");
    bus_ring(r->nodes[0].bus, STR("room"), 6, STR("heard"));
    while (bus_rig_wait(r, l, from, BUS_RING, "room")->seq < 5)
        from++;
    bus_stats(r->nodes[0].bus, &s);
    assert_true(s.dropped >= 1 && s.reconnects >= 2);
}

/* It is there, and does not answer: noticed all the same. */
static void paused(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned from;

    NEEDS(r);
    follow(r, "room");
    redis_rig_signal(&r->redis, SIGSTOP);
    wait_degraded(r, true);
    from = l->events_n;
    redis_rig_signal(&r->redis, SIGCONT);
    wait_degraded(r, false);
    (void)bus_rig_wait(r, l, from, BUS_LOOK, "room");
    bus_ring(r->nodes[0].bus, STR("room"), 3, STR(""));
    (void)bus_rig_wait(r, l, from, BUS_RING, "room");
}

/* What another found makes it look again soon, not when its turn would come. */
static void what_is_found_is_looked_for(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned before, idle, busy;

    NEEDS(r);
    follow(r, "room");
    redis_rig_signal(&r->redis, SIGKILL);
    wait_degraded(r, true);
    bus_rig_rest(r, 4000);
    before = bus_rig_count(l, BUS_LOOK, "room");
    bus_rig_rest(r, 2000);
    idle = bus_rig_count(l, BUS_LOOK, "room") - before;
    before += idle;
    for (unsigned i = 0; i < 20; i++) {
        bus_found(r->nodes[1].bus, STR("room"));
        bus_rig_rest(r, 100);
    }
    busy = bus_rig_count(l, BUS_LOOK, "room") - before;
    assert_true(busy > idle && busy >= 2);
}

/* It takes connections and answers, but for what is published, until the connection that
 * published is given up: what was on its way there is rung again. */
static void publishing_hangs(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned from;

    NEEDS(r);
    follow(r, "room");
    assert_string_equal(redis_rig_say(&r->redis, "CLIENT PAUSE 4500 WRITE"), "+OK");
    from = l->events_n;
    bus_ring(r->nodes[0].bus, STR("room"), 5, STR("entries"));
    for (unsigned ms = 0; ms < GUARD_MS && !bus_degraded(r->nodes[0].bus); ms += 20)
        bus_rig_rest(r, 20);
    assert_true(bus_degraded(r->nodes[0].bus));
    assert_int_equal(bus_rig_wait(r, l, from, BUS_RING, "room")->seq, 5);
    wait_degraded(r, false);
}

/* A replica does not pass on what is published to it. */
static void a_replica_is_no_bus(void **state)
{
    struct bus_rig *r = *state;
    struct redis_rig other = {0};
    char command[64];

    NEEDS(r);
    redis_rig_start(&other, NULL);
    (void)snprintf(command, sizeof(command), "REPLICAOF 127.0.0.1 %u", other.port);
    assert_string_equal(redis_rig_say(&r->redis, command), "+OK");
    wait_degraded(r, true);
    assert_string_equal(redis_rig_say(&r->redis, "REPLICAOF NO ONE"), "+OK");
    wait_degraded(r, false);
    redis_rig_stop(&other);
}

/* Subscriptions that the server drops are made again, and looked after. */
static void cut_off(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    unsigned from;

    NEEDS(r);
    follow(r, "room");
    from = l->events_n;
    assert_string_equal(redis_rig_say(&r->redis, "CLIENT KILL TYPE pubsub"), ":2");
    (void)bus_rig_wait(r, l, from, BUS_LOOK, "room");
    wait_degraded(r, false);
    bus_ring(r->nodes[0].bus, STR("room"), 3, STR(""));
    (void)bus_rig_wait(r, l, from, BUS_RING, "room");
}

/* Of the system of the tests. */
static char channels[BUS_REDIS_NAME_MAX + 3];

static void name_channels(void)
{
    struct bus_redis_system system = bus_rig_system("test");
    char name[BUS_REDIS_NAME_MAX];

    bus_redis_name(&system, name);
    (void)snprintf(channels, sizeof(channels), "&%s:*", name);
}

/* Two systems on one Redis do not hear each other. */
static void another_system(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[0];
    struct bus *other;

    NEEDS(r);
    follow(r, "room");
    other = bus_rig_end(r, r->nodes[0].host);
    bus_rig_start(other, "another");
    while (bus_degraded(other))
        bus_rig_rest(r, 20);
    bus_ring(other, STR("room"), 1, STR(""));
    bus_cast(other, STR("$all"), STR(""));
    bus_rig_rest(r, 300);
    assert_int_equal(bus_rig_count(l, BUS_RING, NULL), 0);
    assert_int_equal(bus_rig_count(l, BUS_CAST, NULL), 0);
    assert_int_equal(bus_rig_count(l, BUS_NODE_UP, NULL), 1);
    bus_stop(other);
    bus_rig_rest(r, 500);
    r->over = true;
    for (unsigned i = 0; i < BUS_RIG_NODES; i++)
        bus_stop(r->nodes[i].bus);
    host_join(r->nodes[0].host);
    bus_close(other);
}

/* A bus alone, until it is up or down for good. */
struct lone {
    struct io_host *host;
    struct bus *bus;
    char said[256]; /* what was told last */
    atomic_uint told_n;
};

static void lone_said(void *ctx, bool up, const char *why)
{
    struct lone *l = ctx;

    (void)snprintf(l->said, sizeof(l->said), "%s: %s", up ? "up" : "down", why);
    atomic_fetch_add(&l->told_n, 1);
}

static void lone_open(struct lone *l, struct bus_redis_options *o)
{
    char why[BUS_REDIS_WHY_MAX];

    *l = (struct lone){0};
    o->changed = lone_said;
    o->ctx = l;
    assert_int_equal(host_epoll_new(&l->host), 0);
    if (bus_redis_new(l->host, o, &l->bus, why) != 0)
        fail_msg("%s", why);
    bus_rig_start(l->bus, "test");
}

/* Waits until it is up; until it has said that it is down. */
static bool lone_is_up(struct bus_rig *r, const struct lone *l)
{
    for (unsigned ms = 0; ms < GUARD_MS && bus_degraded(l->bus); ms += 20)
        bus_rig_rest(r, 20);
    return !bus_degraded(l->bus);
}

static bool lone_is_down(struct bus_rig *r, const struct lone *l)
{
    for (unsigned ms = 0; ms < GUARD_MS && atomic_load(&l->told_n) == 0; ms += 20)
        bus_rig_rest(r, 20);
    return bus_degraded(l->bus) && memcmp(l->said, "down", 4) == 0;
}

static void lone_close(struct lone *l)
{
    bus_stop(l->bus);
    host_join(l->host);
    bus_close(l->bus);
    host_free(l->host);
}

/* A password that is asked for, right and wrong. */
static void passwords(void **state)
{
    static const char *const args[] = {"--requirepass", "secret:x", NULL};
    static const char *const who[] = {"secret%3Ax@", "wrong@", ""};
    struct bus_rig *r = *state;
    struct redis_rig guarded = {0};
    struct lone l;
    char url[128];

    NEEDS(r);
    redis_rig_start(&guarded, args);
    for (unsigned i = 0; i < COUNTOF(who); i++) {
        (void)snprintf(url, sizeof(url), "redis://%s127.0.0.1:%u/1", who[i], guarded.port);
        lone_open(&l, &(struct bus_redis_options){.url = url});
        assert_true(i == 0 ? lone_is_up(r, &l) : lone_is_down(r, &l));
        lone_close(&l);
        if (i == 0)
            assert_memory_equal(l.said, "up", 2);
    }
    redis_rig_stop(&guarded);
}

/* Gives the wrong password, none, and the right one, in turn. */
struct porter {
    _Atomic unsigned asked_n;
    char user[32];
};

static bool give_password(void *ctx, struct str user, struct buf *out,
                          char why[static BUS_REDIS_WHY_MAX])
{
    struct porter *p = ctx;
    unsigned n = atomic_fetch_add(&p->asked_n, 1);

    (void)snprintf(p->user, sizeof(p->user), "%.*s", STR_ARGS(user));
    (void)snprintf(why, BUS_REDIS_WHY_MAX, "nobody knows it");
    buf_append(out, n < 2 ? STR("wrong secret") : STR("right secret"));
    return n != 2 && n != 3;
}

/* docs/redis.md, where there is no cluster. */
#define RIGHTS                                                                               \
    "on", ">right secret", "resetchannels", channels, "-@all", "+auth", "+hello", "+select", \
        "+ping", "+role"
#define LEAST "--user", "chat", RIGHTS, "+publish", "+subscribe", "+unsubscribe"
#define MUTE "mute", RIGHTS, "+subscribe", "+unsubscribe"
#define DEAF "deaf", RIGHTS, "+publish"

/* A user with no more rights than it needs; the password is asked for at each login, what
 * is wrong is said, without the password, and tried again. */
static void passwords_that_are_asked_for(void **state)
{
    static const char *const args[] = {LEAST, "--user", "default", "off", NULL};
    struct bus_rig *r = *state;
    struct redis_rig guarded = {0};
    struct porter porter = {0};
    struct lone l;
    char url[128];

    NEEDS(r);
    name_channels();
    redis_rig_start(&guarded, args);
    (void)snprintf(url, sizeof(url), "redis://chat:unused@127.0.0.1:%u", guarded.port);
    lone_open(
        &l, &(struct bus_redis_options){
                .url = url, .password = give_password, .password_ctx = &porter, .login_ms = 4000});
    assert_true(lone_is_up(r, &l));
    lone_close(&l);
    assert_string_equal(porter.user, "chat");
    assert_true(atomic_load(&porter.asked_n) >= 6);
    redis_rig_stop(&guarded);
}

/* Once, however often it is tried; also what is right but for publishing, or hearing. */
static void what_is_wrong_is_said(void **state)
{
    static const char *const args[] = {LEAST, "--user", "default", "off", "--user",
                                       MUTE,  "--user", DEAF,      NULL};
    static const struct {
        const char *who, *why;
    } cases[] = {{"chat:wrong%20secret", "WRONGPASS"},
                 {"mute:right%20secret", "NOPERM"},
                 {"deaf:right%20secret", "NOPERM"}};
    struct bus_rig *r = *state;
    struct redis_rig guarded = {0};
    char url[128];
    struct lone l;

    NEEDS(r);
    name_channels();
    redis_rig_start(&guarded, args);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        (void)snprintf(url, sizeof(url), "redis://%s@127.0.0.1:%u", cases[i].who, guarded.port);
        lone_open(&l, &(struct bus_redis_options){.url = url});
        assert_true(lone_is_down(r, &l));
        bus_rig_rest(r, 1000);
        lone_close(&l);
        assert_int_equal(l.told_n, 1);
        assert_non_null(strstr(l.said, "down: 127.0.0.1:"));
        assert_non_null(strstr(l.said, cases[i].why));
        assert_null(strstr(l.said, "secret"));
    }
    redis_rig_stop(&guarded);
}

/* Whom Redis would drop after a time makes new connections ahead of it. */
static void logs_in_anew(void **state)
{
    struct bus_rig *r = *state;
    struct bus_stats s;
    struct lone l;

    NEEDS(r);
    unsigned ms = 0;

    lone_open(&l, &(struct bus_redis_options){.url = r->redis.url, .login_ms = 1000});
    assert_true(lone_is_up(r, &l));
    do {
        bus_rig_rest(r, 20);
        ms += 20;
        bus_stats(l.bus, &s);
    } while (ms < GUARD_MS && (s.reconnects < 2 || atomic_load(&l.told_n) < 3));
    assert_true(s.reconnects >= 2 && l.told_n >= 3);
    assert_true(lone_is_up(r, &l));
    lone_close(&l);
}

/* Over TLS: only to whom the right one vouches for, by the name that was called. */
static void over_tls(void **state)
{
    static const struct {
        const char *scheme, *host;
        unsigned ca; /* 0: the system's, 1: the right one, 2: another */
        const char *why;
    } cases[] = {
        {"rediss", "localhost", 1, NULL},
        {"rediss", "localhost", 2, "TLS: self-signed certificate"},
        {"rediss", "localhost", 0, "TLS: self-signed certificate"},
        {"rediss", "127.0.0.1", 1, "TLS: IP address mismatch"},
        {"redis", "localhost", 1, "receiving"},
    };
    struct bus_rig *r = *state;
    struct redis_rig secure = {0};
    struct certs right, other;
    char port[8], url[64];
    const char *args[] = {"--tls-port",
                          port,
                          "--tls-cert-file",
                          right.cert,
                          "--tls-key-file",
                          right.key,
                          "--tls-ca-cert-file",
                          right.cert,
                          "--tls-auth-clients",
                          "no",
                          NULL};
    const char *ca[] = {NULL, right.cert, other.cert};

    NEEDS(r);
    certs_make(&right, "localhost");
    certs_make(&other, "localhost");
    (void)snprintf(port, sizeof(port), "%u", ports_free());
    redis_rig_start(&secure, args);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct lone l;

        (void)snprintf(url, sizeof(url), "%s://%s:%s", cases[i].scheme, cases[i].host, port);
        lone_open(&l, &(struct bus_redis_options){.url = url, .ca_file = ca[cases[i].ca]});
        assert_true(cases[i].why == NULL ? lone_is_up(r, &l) : lone_is_down(r, &l));
        lone_close(&l);
        if (cases[i].why != NULL && strstr(l.said, cases[i].why) == NULL)
            fail_msg("%s with %u: '%s'", url, cases[i].ca, l.said);
    }
    redis_rig_stop(&secure);
    certs_remove(&right);
    certs_remove(&other);
}

static void bad_urls(void **state)
{
    static const char *const bad[] = {"",
                                      "http://127.0.0.1",
                                      "redis://",
                                      "redis://user:secret@",
                                      "redis://127.0.0.1/x",
                                      "redis://127.0.0.1/99999",
                                      "redis://%zz:secret@127.0.0.1",
                                      "redis://a,rediss://b"};
    char why[BUS_REDIS_WHY_MAX];
    struct io_host *host;
    struct bus *b;

    (void)state;
    assert_int_equal(host_epoll_new(&host), 0);
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        struct bus_redis_options o = {.url = bad[i]};

        why[0] = '\0';
        assert_true(bus_redis_new(host, &o, &b, why) < 0);
        assert_memory_equal(why, "bus: ", 5);
        assert_null(strstr(why, "secret"));
    }
    host_free(host);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bus_rig_redis, bus_rig_teardown)

AT_ONCE_MAIN(CASE(killed), CASE(paused), CASE(what_is_found_is_looked_for), CASE(publishing_hangs),
             CASE(a_replica_is_no_bus), CASE(cut_off), CASE(another_system), CASE(passwords),
             CASE(passwords_that_are_asked_for), CASE(what_is_wrong_is_said), CASE(logs_in_anew),
             CASE(over_tls), cmocka_unit_test(bad_urls))
