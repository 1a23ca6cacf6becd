/* child.h: what a command prints: how a person's own program hands this one a secret.
 * Blocks: for helpers. */
#ifndef IO_CHILD_H
#define IO_CHILD_H

#include "base/buf.h"

/* Runs the command by /bin/sh, with nothing to read and the program's standard error, and
 * appends what it prints to out. 0; -ETIMEDOUT: it had not ended within_ms, and was killed
 * with all that it started; -EFBIG: it printed more than out may hold, likewise; -ECHILD:
 * it ended otherwise than with 0; or -errno. Then out may hold a beginning. */
int child_output(const char *command, unsigned within_ms, struct buf *out) MUST_CHECK;

#endif
