/* sim_mover.h: a simulated person who moves as the real client does: two clients
 * (sim_client.h), of which one is used; when that is told to move the other comes up
 * with its cursors, perhaps on the same node, then takes over, and the first goes
 * once it was answered everything.
 *
 *   STAYS --told--> COMES --follows all--> GOES --closed--> STAYS
 *     ^               | told to move, too
 *     +-- a while ----+ */
#ifndef LIB_SIM_MOVER_H
#define LIB_SIM_MOVER_H

#include "lib/sim_client.h"

enum sim_mover_state { SIM_MOVER_STAYS, SIM_MOVER_COMES, SIM_MOVER_GOES };

struct sim_mover {
    struct sim_client *line, *other; /* line: the one that is used */
    enum sim_mover_state state;
    uint64_t due_ms; /* when it may try again */
    unsigned moved_n, retries_n;
};

/* second has not been used yet; first is told to move from now on, and not cut. */
void sim_mover_init(struct sim_mover *m, struct sim_client *first, struct sim_client *second);

/* After the clients' own turns; returns when it wants to be called next. */
uint64_t sim_mover_turn(struct sim_mover *m);

/* Is the person connected, and follows the room? */
bool sim_mover_is_covered(struct sim_mover *m, const char *room);

#endif
