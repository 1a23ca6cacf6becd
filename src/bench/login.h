/* login.h: logs a run's people in over HTTP, a few connections at a time, each
 * kept alive, and leaves their tokens in the crowd. */
#ifndef BENCH_LOGIN_H
#define BENCH_LOGIN_H

#include "bench/crowd_state.h"

enum { LOGIN_LANES = 32 };

struct bench_login;

/* Begins; io_wait and login_turn do the rest. */
struct bench_login *login_new(struct bench_crowd *c) MUST_CHECK;

/* Closes what is open. Nothing may be in flight: login_turn returned true after
 * login_done or login_failed. */
void login_free(struct bench_login *l);

/* How many people have their token. */
uint32_t login_done_n(const struct bench_login *l);

/* Gives up: why becomes its failure, if it has none. */
void login_stop(struct bench_login *l, const char *why);

/* NULL, or why it cannot go on. */
const char *login_failure(const struct bench_login *l);

/* To be called once a turn. True when all is done, or has failed, and nothing is
 * in flight. */
bool login_turn(struct bench_login *l);

#endif
