/* sim_swap.h: the store under running nodes becomes an older copy of itself, and later
 * what it was again. Nodes on it must notice within 5 s (docs/decisions/0017). */
#ifndef LIB_SIM_SWAP_H
#define LIB_SIM_SWAP_H

#include "lib/sim_disk.h"
#include "lib/sim_node.h"

/* Nothing is acknowledged later than this after a swap: 5 s, and what is then on its way. */
#define SIM_SWAP_NOTICED_MS 5700

/* Copies of a disk, memory or a model of DynamoDB; owned, or empty. */
struct sim_swap {
    const struct sim_disk *disk;
    struct sim_swap_copy {
        struct dynamo_tables *dynamo;
        struct store_mem_disk *mem;
    } older, older_now, truth;
};

/* Keeps a copy, the first time. */
void sim_swap_copy(struct sim_swap *w);

/* Puts the copy in place of the store. False if there is none. */
bool sim_swap_begin(struct sim_swap *w);

/* The nodes have had their time: from now on nothing may be written. */
void sim_swap_watch(struct sim_swap *w);

/* Puts the store back. False if something was written to the copy since sim_swap_watch. */
bool sim_swap_end(struct sim_swap *w);

/* Has the node noticed that its store is another, and shut it? */
bool sim_swap_is_noticed(const struct sim_node *n);

void sim_swap_free(struct sim_swap *w);

#endif
