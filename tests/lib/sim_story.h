/* sim_story.h: one run of the program in the simulator: nodes, clients and what
 * befalls them, drawn from a seed, and the invariants of the design checked all
 * the way.
 *
 *   actions with faults --> calm: all must be well again --> stop --> the disk
 *
 * With several nodes the store loses entries in the calm (lib/sim_holes.h), and actions with
 * faults and another calm follow. */
#ifndef LIB_SIM_STORY_H
#define LIB_SIM_STORY_H

#include "lib/bus_model.h"
#include "lib/dynamo_model.h"
#include "lib/redis_model.h"

enum { SIM_STORY_NODES_MAX = 3, SIM_STORY_CLIENTS_MAX = 12, SIM_STORY_POLLERS_MAX = 4 };

struct sim_story {
    bool drawn;       /* the seed decides on all of what follows */
    unsigned actions; /* of clients; 0: 250 */
    unsigned nodes;   /* on one disk; 0: one */
    unsigned clients; /* at most; 0: 8 */
    unsigned pollers; /* of Socket.IO over HTTP, which pipeline */
    bool rude;        /* and they do what attackers do */
    struct sim_faults faults;
    struct bus_model_faults bus; /* between several nodes */
    bool cuts, slow;             /* clients are cut; read nothing for a while */
    bool members;                /* people are removed, banned, muted, taken back */
    bool crashes, drains;        /* of nodes */
    bool partitions;             /* at times two nodes hear nothing of each other */
    bool full, store_fails;
    bool small;  /* small budgets: everything is read from the store again */
    bool tiny;   /* each limit is drawn, often the least that is allowed */
    bool sqlite; /* on a disk that loses what was not synced */
    bool dynamo; /* on a model of DynamoDB, which has these faults */
    struct dynamo_model_faults service;
    bool outages; /* and at times does next to nothing */
    bool redis;   /* they hear of each other by a model of Redis, which has these faults */
    struct redis_model_faults redis_faults;
    bool redis_fails; /* and at times is killed, paused, taken over, apart, out of reach */
};

/* Draws all that a story has. */
void sim_story_draw(struct sim_story *o, struct rng *rng);

/* Runs it. NULL, or what was violated (valid until the next). */
const char *sim_story_run(const struct sim_story *o, uint64_t seed);

/* As a test: the given number of seeds from 0 on; with $SEED that seed alone, or $SEEDS
 * seeds from that on; with $TRACE everything said. Fails with the seed. */
void sim_story_test(const struct sim_story *o, uint64_t seeds);

#endif
