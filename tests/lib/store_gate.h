/* store_gate.h: a store whose requests wait at a gate while the test says so, to
 * be let through in the order that it wants. For one loop. */
#ifndef LIB_STORE_GATE_H
#define LIB_STORE_GATE_H

#include "store/store.h"

#define STORE_GATE_MAX 256

struct store_gate {
    struct store store;
    struct store *inner;
    bool closed[STORE_WALK + 1]; /* by enum store_op */
    struct store_req *held[STORE_GATE_MAX];
    unsigned held_n;
    uint64_t seen[STORE_WALK + 1]; /* requests so far */
};

void store_gate_init(struct store_gate *g, struct store *inner);

/* Lets the held request i through; all; ends it as failed instead. */
void store_gate_let(struct store_gate *g, unsigned i);
void store_gate_open(struct store_gate *g);
void store_gate_fail(struct store_gate *g, unsigned i, enum store_result result);

#endif
