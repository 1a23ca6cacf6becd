/* sim_limits.h: limits of a node, drawn from a seed: each at its least, at its
 * default, or between. Those that a well-behaved client of a story cannot live
 * with (frames of 1 KiB) are not among them. */
#ifndef LIB_SIM_LIMITS_H
#define LIB_SIM_LIMITS_H

#include "base/rng.h"

enum { SIM_LIMITS_N = 16, SIM_LIMITS_TEXT = 40, SIM_LIMITS_KEPT = 5 };

struct sim_limits {
    char args[SIM_LIMITS_N][SIM_LIMITS_TEXT]; /* flags of `polylog serve` */
    unsigned batch_max;                       /* entries that one append carries */
};

void sim_limits_draw(struct sim_limits *l, struct rng *rng);

/* The flags of a node of a story whose limits are not drawn, ended by NULL; small: of one whose
 * budgets are small. Every node has the first SIM_LIMITS_KEPT of them. */
const char *const *sim_limits_usual(bool small);

#endif
