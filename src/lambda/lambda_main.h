/* lambda_main.h: `polylog lambda`: the program as an AWS Lambda function, a runtime of its own.
 * Where it runs, credentials, region, and the runtime API are said by the environment; settings
 * are POLYLOG_NAME. It runs until the runtime API ends it. Elsewhere it says how to try it. */
#ifndef LAMBDA_LAMBDA_MAIN_H
#define LAMBDA_LAMBDA_MAIN_H

#include "aws/aws_env.h"
#include "conf/conf.h"

/* The exit code. Errors are said on standard error, and to the runtime API. */
int lambda_main(const struct conf *c, const struct aws_env *env, const char *version);

#endif
