/* signals.h: signals as mail to a loop.
 *
 * One thread waits for them; in all others they are blocked. Start it before
 * any other thread, so that those inherit the mask. SIGPIPE is ignored. */
#ifndef IO_SIGNALS_H
#define IO_SIGNALS_H

#include "io/io.h"

struct signals;

/* On the home loop: SIGTERM, SIGINT, SIGHUP, SIGUSR1 or SIGUSR2 came; value: what was queued with
 * it (sigqueue), else 0. */
typedef void signals_caught_f(void *ctx, int signal, int value);

/* 0 or -errno. */
int signals_start(struct io *home, signals_caught_f *caught, void *ctx,
                  struct signals **ret_signals) MUST_CHECK;

/* Ends the thread; the signals stay blocked. What it has posted still arrives at
 * home. NULL is fine. */
void signals_stop(struct signals *s);

#endif
