/* token_command.h: `polylog token`: asks a server that runs for a token that lasts, with
 * the token of the server's owner, and prints it. */
#ifndef ADMIN_TOKEN_COMMAND_H
#define ADMIN_TOKEN_COMMAND_H

#include "conf/conf.h"

/* Returns the exit code: 0 if a token was printed, and nothing else on stdout. Why not is
 * said on stderr. */
int token_command(const struct conf *c);

#endif
