/* sim_holes.h: a store that loses entries in the middle of a story's logs while all is quiet, so
 * that nothing is under way of which it is not known whether it was done. The room is to be read
 * around a hole, and a node that shows one has to say so. */
#ifndef LIB_SIM_HOLES_H
#define LIB_SIM_HOLES_H

#include "lib/sim_check.h"
#include "lib/sim_client.h"
#include "lib/sim_disk.h"

/* Takes some entries from the logs that the checker knows: the store's items whole, none of a
 * log's beginning or end, and what sim_check_may_lose says. Returns how many are gone. The disk
 * is memory or a model of DynamoDB. */
uint64_t sim_holes_make(struct sim_check *check, const struct sim_disk *disk, struct rng *rng);

/* The client pages through what it knows of logs with a hole, from before it. */
void sim_holes_look(struct sim_client *c);

#endif
