/* bare.h: a run against the floor (io/floor.h) in place of a server: what its
 * frames look like, so that they are as long as a server's and read alike. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "bench/plan.h"
#include "io/floor.h"

/* Starts the loop and directs the plan to it. 0 or -errno. */
int bare_start(struct plan *p, struct floor *ret_floor) MUST_CHECK;

#endif
