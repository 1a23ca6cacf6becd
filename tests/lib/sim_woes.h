/* sim_woes.h: what befalls single nodes of a story in which there are several: their
 * clocks are wrong, run fast or slow, and are set; they are cut off from the store for a
 * while, or from its lists alone, by which they know which sessions have ended. And what befalls
 * DynamoDB and Redis. */
#ifndef LIB_SIM_WOES_H
#define LIB_SIM_WOES_H

#include "lib/bus_model.h"
#include "lib/dynamo_model.h"
#include "lib/redis_model.h"
#include "lib/sim_node.h"

/* So long after nothing could be listed nothing is taken (--unproven-after). */
#define SIM_WOES_UNPROVEN "10s"
#define SIM_WOES_UNPROVEN_MS 10000

/* So late DynamoDB may do what nobody waits for any more. */
#define SIM_WOES_LATE_MS 3000

struct sim_woes {
    struct sim *sim;
    struct rng *rng;
    struct bus_model *buses; /* or NULL */
    bool trace;
    const struct sim_node *cut; /* this one is, until */
    uint64_t cut_until_ms;
    bool lists;  /* only from the lists, and its bus is deaf */
    bool longer; /* than until its people are held */
};

/* A clock as a node may have one when it starts. */
void sim_woes_clock(struct sim_woes *w, struct sim_node_options *o);

/* At times something befalls the node. */
void sim_woes_mind(struct sim_woes *w, struct sim_node *n);

/* People are slower now, so that what they do takes as long as the cut. */
bool sim_woes_slow(const struct sim_woes *w);

/* What its store does now, besides. */
void sim_woes_store(const struct sim_woes *w, const struct sim_node *n,
                    struct store_fault_options *o);

/* What DynamoDB does while next to nothing comes through to it. */
struct dynamo_model_faults sim_woes_outage(struct sim_woes *w);

/* Something befalls Redis; what. f: its faults at other times. */
const char *sim_woes_redis(struct sim_woes *w, struct redis_model *redis,
                           struct redis_model_faults f, unsigned nodes);

#endif
