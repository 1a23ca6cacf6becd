/* run.h: one run of the load generator from the first login to the last entry.
 *
 *   login -> open -> rest -> warm up -> measure -> settle -> close
 *
 * A line of progress is written to standard error in each second. Whoever sets
 * crowd.interrupted ends the phase that it is in: up to `warm up` there is nothing to
 * report then; `measure` and `settle` are only shorter. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "bench/crowd.h"
#include "bench/report.h"

/* Fills *ret_report, whose tally is the crowd's. False if it could not be
 * done; why tells a person what to look at. */
bool run_all(struct bench_crowd *c, struct report *ret_report,
             char why[static PLAN_WHY_N]) MUST_CHECK;

#endif
