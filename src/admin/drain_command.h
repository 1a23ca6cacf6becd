/* drain_command.h: `polylog drain`: has a server on this machine ask its clients to
 * move to other nodes, or takes that back, and watches them go. The server is found
 * by its pid file and told by a signal; its progress is read from its /metrics. */
#ifndef ADMIN_DRAIN_COMMAND_H
#define ADMIN_DRAIN_COMMAND_H

#include "conf/conf.h"

/* Some clients have not gone in time. */
enum { DRAIN_COMMAND_EXIT_LEFT = 2 };

/* Returns the exit code: 0 if it was told and, with wait, nobody is left. */
int drain_command(const struct conf *c);

/* Who is left, by a text in Prometheus' format; false if it does not say. Pure. */
bool drain_command_left(struct str metrics, uint64_t *ret_left, bool *ret_draining) MUST_CHECK;

#endif
