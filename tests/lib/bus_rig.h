/* bus_rig.h: two nodes' ends of a bus under test, each with two loops, and what they
 * heard. */
#ifndef LIB_BUS_RIG_H
#define LIB_BUS_RIG_H

#include "base/rng.h"
#include "bus/bus_redis.h"
#include "lib/bus_model.h"
#include "lib/check.h"
#include "lib/redis_cluster.h"
#include "lib/redis_model.h"

enum { BUS_RIG_NODES = 2, BUS_RIG_LOOPS = 2, BUS_RIG_EVENTS = 4096 };

struct bus_rig;

/* A copy of an event. */
struct bus_rig_event {
    enum bus_kind kind;
    uint64_t node, seq;
    char room[80];
    size_t bytes_n;
    uint8_t bytes[256]; /* the first of them */
};

struct bus_rig_loop {
    struct bus_rig *rig;
    struct io *io;
    struct bus_rig_event events[BUS_RIG_EVENTS];
    unsigned events_n;
    bool calling; /* into the bus: nothing may be heard */
};

struct bus_rig_node {
    struct io_host *host;
    struct bus *bus;
    struct bus_rig_loop loops[BUS_RIG_LOOPS];
};

struct bus_rig {
    struct sim *sim; /* NULL: real time */
    struct rng rng;
    struct bus_model *model;
    struct redis_model *served; /* the model of Redis; else redis */
    unsigned ways_n;            /* by which its nodes go */
    struct redis_rig redis;
    struct redis_cluster *cluster; /* or NULL */
    const char *url;               /* NULL: there is no redis-server */
    struct bus_rig_node nodes[BUS_RIG_NODES];
    bool over;
};

/* Setups for cmocka: *state is a struct bus_rig. */
int bus_rig_model(void **state);
int bus_rig_redis_sim(void **state); /* the same bus over the model of Redis */
/* To be skipped, visibly, where there is no redis-server. */
int bus_rig_redis(void **state);
int bus_rig_cluster(void **state); /* one for all tests that only look */
int bus_rig_cluster_own(void **state);
int bus_rig_teardown(void **state);

void bus_rig_turn(struct bus_rig *r);

/* Turns for ms, at least. */
void bus_rig_rest(struct bus_rig *r, unsigned ms);

/* Turns until loop has heard an event of that kind and room (NULL: any), behind the
 * first `from` ones; returns it. Fails the test when it does not come. */
const struct bus_rig_event *bus_rig_wait(struct bus_rig *r, struct bus_rig_loop *loop,
                                         unsigned from, enum bus_kind kind, const char *room);

/* How many of that kind and room it has heard. */
unsigned bus_rig_count(const struct bus_rig_loop *loop, enum bus_kind kind, const char *room);

/* The system on the store of that id, and an end of the bus started for it. */
struct bus_redis_system bus_rig_system(const char *id);
void bus_rig_start(struct bus *b, const char *id);

/* Another end of the same bus; to be closed by the caller. */
struct bus *bus_rig_end(struct bus_rig *r, struct io_host *host);

#endif
