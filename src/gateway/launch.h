/* launch.h: how a function's process is started: its command, its environment variables, and
 * the client of the runtime API for functions in Node and Python, which have none of their
 * own here. */
#ifndef GATEWAY_LAUNCH_H
#define GATEWAY_LAUNCH_H

#include "gateway/invocation.h"

/* Starts the process; it finds the runtime API on that port of the loopback. False, and why.
 * *ret_log: what it writes (io/spawn.h). */
bool launch_start(struct gateway *g, const struct api_function *f,
                  const struct functions_options *o, uint16_t port, int *ret_pid, int *ret_log,
                  char why[static API_WHY_MAX]) MUST_CHECK;

/* The text with the API's address at AWS replaced by the gateway's own, appended. */
void launch_localise(const struct gateway *g, struct str text, struct buf *out);

#endif
