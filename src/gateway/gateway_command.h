/* gateway_command.h: `polylog gateway [FILE]`: an API Gateway WebSocket API on one's own
 * machine. It says where it listens, runs until SIGINT or SIGTERM, closes its connections
 * (1001) and says what it would have cost. */
#ifndef GATEWAY_GATEWAY_COMMAND_H
#define GATEWAY_GATEWAY_COMMAND_H

#include "aws/aws_env.h"
#include "conf/conf.h"

/* The exit code: EXIT_SUCCESS; EXIT_FAILURE if it cannot start; CONF_EXIT_USAGE. Errors are
 * said on standard error. */
int gateway_command(const struct conf *c, const struct aws_env *env);

#endif
