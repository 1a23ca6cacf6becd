/* sim_act.h: what the clients of a story do, drawn from its seed: they send, repeat,
 * change, look back, come and go, and rule over each other. */
#ifndef LIB_SIM_ACT_H
#define LIB_SIM_ACT_H

#include "base/rng.h"
#include "io/io_sim.h"

struct sim_client;

enum { SIM_ACT_ROOMS = 4, SIM_ACT_PRIVATE = 2 /* from here on rooms are private */ };
extern const char *const sim_act_rooms[SIM_ACT_ROOMS];

enum sim_fate { SIM_FATE_WELL, SIM_FATE_CRASH, SIM_FATE_DRAIN };

struct sim_act {
    struct sim *sim;
    struct rng *rng;
    struct sim_client *clients; /* the first owns the private rooms, and rules the others */
    unsigned clients_n;
    bool cuts, slow, members, crashes, drains; /* as lib/sim_story.h has them */
    enum sim_fate fate;                        /* what is to befall a node; the story sees to it */
};

/* One of them does something. */
void sim_act_once(struct sim_act *s);

#endif
