/* bus_model.h: a bus between simulated nodes that loses, repeats and reorders
 * what it is given, and says BUS_LOOK some time after a loss, or when a node
 * begins to follow: all that bus.h promises, and no more.
 *
 *   ring, cast --> seal --> [ lost | held for a while, perhaps twice ] --> heard elsewhere
 *                   liar --> [ what he says is heard, if its seal is good and it is new ]
 *
 * For one thread: the simulator's. */
#ifndef LIB_BUS_MODEL_H
#define LIB_BUS_MODEL_H

#include "base/rng.h"
#include "bus/bus.h"
#include "io/io_sim.h"

/* Chances are out of 1000. */
struct bus_model_faults {
    unsigned lost, twice;
    unsigned held_ms; /* at most */
    unsigned look_ms; /* a loss is noticed after at most this; 0: at once */
    unsigned gone_ms; /* when a node is gone, all is looked at no sooner than this */
    bool in_order;    /* a node hears in the order of ringing, as over one connection */
    unsigned lies;    /* a liar says something besides */
};

/* What the liar said: forged, damaged, another seq or long ago, of which nothing is heard;
 * again, within BUS_LEASE_MS, which the contract allows; and doorbells of a node that has the
 * secret and is mistaken: with a seq that no log has. */
struct bus_model_lies {
    uint64_t dropped, again, mistaken;
};

struct bus_model; /* what the nodes share */

struct bus_model *bus_model_new(struct sim *sim, struct rng *rng) MUST_CHECK;
void bus_model_free(struct bus_model *m); /* before sim_free; NULL is fine */
void bus_model_set(struct bus_model *m, struct bus_model_faults faults);
struct bus_model_lies bus_model_lied(const struct bus_model *m);

/* A node's end of it. */
struct bus *bus_model_bus(struct bus_model *m) MUST_CHECK;

/* The node is gone, or about to go: nothing more is heard on its loops, and the
 * others look at what they follow. */
void bus_model_silence(struct bus *b);

/* Two of the nodes, by their ids, hear nothing of each other from now on; each takes
 * the other for gone. Together again, they look at all that they follow. */
void bus_model_part(struct bus_model *m, uint64_t a, uint64_t b);
void bus_model_join(struct bus_model *m);

/* One of the nodes, by its id, hears nothing from now on, and looks as after a loss; 0:
 * none. */
void bus_model_deafen(struct bus_model *m, uint64_t id);

/* Gives to the loops what is due. Between steps of the world. */
void bus_model_turn(struct bus_model *m);

#endif
