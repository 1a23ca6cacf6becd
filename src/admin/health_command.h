/* health_command.h: `polylog health`: asks a server that runs whether it works, or, with
 * ready, whether new connections may come. For the health checks of containers. */
#ifndef ADMIN_HEALTH_COMMAND_H
#define ADMIN_HEALTH_COMMAND_H

#include "base/buf.h"
#include "conf/conf.h"

/* Appends where the server is asked, NUL-terminated: at, with /health or /ready behind it;
 * without at, the first address of listen that is of TCP, and the loopback if that is every
 * interface. False if listen has none. */
bool health_command_url(const struct conf *c, struct buf *url) MUST_CHECK;

/* Whether an answer of that status is one of /health, or of /ready. Strings of the body are
 * unescaped in place. */
bool health_command_is_answer(bool ready, unsigned status, struct buf *body) MUST_CHECK;

/* Prints what the server answers on stdout. Returns the exit code: 0 if it is well, 1 if it
 * is not or does not answer, which is said on stderr. */
int health_command(const struct conf *c);

#endif
