/* What others publish at a real Redis, on channels of this system: nothing of it is heard, it
 * is counted, and what the nodes say to each other goes on. */
#include "base/str.h"
#include "bus/bus_seal.h"
#include "lib/bus_rig.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum {
    TOLD_MAX = 256,
    PAYLOAD_MAX = 1024,
    PATIENCE = 3000,
    KIND_AT = 21, /* in a message */
    SEQ_AT = 38,
    OLD_N = 25, /* before there were seals */
};

#define NEEDS(r)                                  \
    do {                                          \
        if ((r)->sim == NULL && (r)->url == NULL) \
            skip();                               \
    } while (0)

/* Somebody who may subscribe and publish there, and nothing else. */
struct liar {
    redisContext *hears, *says;
    struct told {
        char channel[128];
        uint8_t bytes[PAYLOAD_MAX];
        size_t n;
    } told[TOLD_MAX];
    unsigned told_n;
};

static struct liar liar;

static redisContext *call(const struct bus_rig *r)
{
    redisContext *c = redisConnect("127.0.0.1", r->redis.port);

    assert_non_null(c);
    assert_int_equal(c->err, 0);
    return c;
}

static void liar_open(struct bus_rig *r)
{
    redisReply *reply;

    liar.told_n = 0;
    liar.hears = call(r);
    liar.says = call(r);
    reply = redisCommand(liar.hears, "PSUBSCRIBE *");
    assert_non_null(reply);
    freeReplyObject(reply);
    assert_int_equal(redisSetTimeout(liar.hears, (struct timeval){.tv_usec = 1000}), REDIS_OK);
}

static void liar_close(void)
{
    redisFree(liar.hears);
    redisFree(liar.says);
}

static void note(const redisReply *m)
{
    struct told *t = &liar.told[liar.told_n];

    if (m->elements != 4 || m->element[3]->len > PAYLOAD_MAX || liar.told_n == TOLD_MAX)
        return;
    (void)snprintf(t->channel, sizeof(t->channel), "%s", m->element[2]->str);
    t->n = m->element[3]->len;
    memcpy(t->bytes, m->element[3]->str, t->n);
    liar.told_n++;
}

/* Until one was overheard on a channel of that end, behind the first `from` ones. */
static const struct told *overhear(struct bus_rig *r, const char *end, char kind, unsigned from)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        void *reply = NULL;

        for (unsigned k = from; k < liar.told_n; k++) {
            const char *name = liar.told[k].channel;

            if (strlen(name) >= strlen(end) &&
                strcmp(name + strlen(name) - strlen(end), end) == 0 &&
                liar.told[k].bytes[KIND_AT] == (uint8_t)kind)
                return &liar.told[k];
        }
        if (redisGetReply(liar.hears, &reply) != REDIS_OK)
            liar.hears->err = 0; /* nothing yet */
        if (reply != NULL)
            note(reply);
        if (reply != NULL)
            freeReplyObject(reply);
        bus_rig_turn(r);
    }
    fail_msg("nothing of %s was overheard", end);
    return NULL;
}

static void lie(const char *channel, const uint8_t *bytes, size_t n)
{
    redisReply *reply = redisCommand(liar.says, "PUBLISH %s %b", channel, bytes, n);

    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    assert_true(reply->integer > 0);
    freeReplyObject(reply);
}

static struct bus_rig_loop *ear(struct bus_rig *r)
{
    return &r->nodes[1].loops[0];
}

static void wait_counted(struct bus_rig *r, uint64_t forged, uint64_t other, uint64_t stale)
{
    struct bus_stats s = {0};

    for (unsigned i = 0; i < PATIENCE; i++) {
        bus_stats(r->nodes[1].bus, &s);
        if (s.forged == forged && s.other_keys == other && s.stale == stale)
            return;
        bus_rig_rest(r, 20);
    }
    fail_msg("%llu forged, %llu of other keys, %llu stale", (unsigned long long)s.forged,
             (unsigned long long)s.other_keys, (unsigned long long)s.stale);
}

static void begin(struct bus_rig *r)
{
    liar_open(r);
    for (unsigned i = 0; i < 2; i++) {
        bus_follow(r->nodes[1].bus, ear(r)->io, i == 0 ? STR("room") : STR("moor"), true);
        (void)bus_rig_wait(r, ear(r), 0, BUS_LOOK, i == 0 ? "room" : "moor");
    }
    bus_ring(r->nodes[0].bus, STR("room"), 5, STR("the entries"));
    (void)bus_rig_wait(r, ear(r), 0, BUS_RING, "room");
}

/* After it the bus is as it was. */
static void end(struct bus_rig *r, unsigned rings)
{
    unsigned from = ear(r)->events_n;

    bus_ring(r->nodes[0].bus, STR("room"), 6, STR(""));
    assert_int_equal(bus_rig_wait(r, ear(r), from, BUS_RING, "room")->seq, 6);
    bus_rig_rest(r, 50);
    assert_int_equal(bus_rig_count(ear(r), BUS_RING, NULL), rings + 1);
    assert_int_equal(bus_rig_count(ear(r), BUS_CAST, NULL), 0);
    assert_int_equal(bus_rig_count(ear(r), BUS_DIRECT, NULL), 0);
    assert_int_equal(bus_rig_count(ear(r), BUS_NODE_DOWN, NULL), 0);
    assert_int_equal(bus_rig_count(ear(r), BUS_NODE_UP, NULL), 1);
    liar_close();
}

/* Without the secret: made up, damaged, with another seq, moved to another room, and as the
 * version before this one would have said it. */
static void forgeries(void **state)
{
    struct bus_rig *r = *state;
    uint8_t bytes[PAYLOAD_MAX] = {'r', 1}, old[OLD_N] = {'r', 9, [17] = 99};
    const struct told *t;
    uint64_t n = 0;

    NEEDS(r);
    begin(r);
    t = overhear(r, ":room", 'r', 0);
    assert_int_equal(t->n, BUS_SEAL_N + strlen("the entries"));
    lie(t->channel, old, sizeof(old));
    wait_counted(r, ++n, 0, 0);
    for (size_t i = 1 + BUS_SEAL_NAME_N; i < t->n; i++) { /* behind the key's name */
        memcpy(bytes, t->bytes, t->n);
        bytes[i] ^= 1;
        lie(t->channel, bytes, t->n);
        n++;
    }
    wait_counted(r, n, 0, 0);
    memcpy(bytes, t->bytes, t->n);
    bytes[SEQ_AT] = 200;
    lie(t->channel, bytes, t->n);
    wait_counted(r, ++n, 0, 0);
    bytes[2] ^= 1;
    lie(t->channel, bytes, t->n);
    wait_counted(r, n, 1, 0);
    end(r, 1);
}

/* In another channel it is forged, though every bit of it is true. */
static void moved(void **state)
{
    struct bus_rig *r = *state;
    const struct told *t, *other;

    NEEDS(r);
    begin(r);
    t = overhear(r, ":room", 'r', 0);
    bus_ring(r->nodes[0].bus, STR("moor"), 1, STR(""));
    other = overhear(r, ":moor", 'r', 0);
    (void)bus_rig_wait(r, ear(r), 0, BUS_RING, "moor");
    lie(other->channel, t->bytes, t->n);
    lie(t->channel, other->bytes, other->n);
    wait_counted(r, 2, 0, 0);
    end(r, 2);
}

/* What was true once is not heard again: a doorbell, a cast to every node, a request for one
 * node, a hello. */
static void said_again(void **state)
{
    struct bus_rig *r = *state;
    struct bus_rig_loop *l = &r->nodes[1].loops[1];
    const struct told *t;
    char self[32];

    NEEDS(r);
    begin(r);
    t = overhear(r, ":room", 'r', 0);
    for (unsigned i = 0; i < 20; i++)
        lie(t->channel, t->bytes, t->n);
    wait_counted(r, 0, 0, 20);
    bus_direct(r->nodes[0].bus, bus_self(r->nodes[1].bus), 1, STR("for you"));
    (void)bus_rig_wait(r, l, 0, BUS_DIRECT, NULL);
    (void)snprintf(self, sizeof(self), ":@%016llx", (unsigned long long)bus_self(r->nodes[1].bus));
    t = overhear(r, self, 'd', 0);
    lie(t->channel, t->bytes, t->n);
    wait_counted(r, 0, 0, 21);
    t = overhear(r, ":$", 'h', 0);
    lie(t->channel, t->bytes, t->n);
    bus_rig_rest(r, 50);
    assert_int_equal(bus_rig_count(l, BUS_DIRECT, NULL), 1);
    end(r, 1);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, bus_rig_redis, bus_rig_teardown)

CHECK_MAIN(ON(forgeries), ON(moved), ON(said_again))
