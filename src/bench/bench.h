/* bench.h: `polylog bench`: a load generator for any polylog server, and the
 * floor that it is compared with. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "conf/conf.h"

/* Runs as c says, prints progress to standard error, the result to standard
 * output and, if asked for, to a file as JSON. Returns the exit code: 0; 1 it could not
 * be done; 2 it was done, and entries were missing, repeated or out of order; 64
 * the settings contradict each other.
 *
 * Ctrl-C, or another signal of io/signals.h, ends the measurement, and what came out
 * so far is the result; a second one ends the wait for what is still on its way. They
 * stay blocked in the calling thread. */
int bench_main(const struct conf *c);

#endif
