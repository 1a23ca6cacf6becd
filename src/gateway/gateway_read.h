/* gateway_read.h: reads the FILE that `polylog gateway` was given, with its --parameter,
 * --api and --stage. What there is to say of it goes to standard error, a line each. */
#ifndef GATEWAY_GATEWAY_READ_H
#define GATEWAY_GATEWAY_READ_H

#include "aws/aws_env.h"
#include "conf/conf.h"
#include "gateway/api.h"

/* The api, which is the caller's; NULL if it cannot be served. */
struct api *gateway_read(const struct conf *c, const struct aws_env *env) MUST_CHECK;

/* `polylog gateway --check FILE`: shows what was read on standard output. EXIT_SUCCESS,
 * EXIT_FAILURE if it cannot be served, CONF_EXIT_USAGE without a FILE. */
int gateway_read_check(const struct conf *c, const struct aws_env *env) MUST_CHECK;

/* The items "NAME=VALUE" of a list; one without = belongs to the value before, since lists
 * are cut at their commas. False if the first has no =. The pairs are p's. */
bool gateway_read_pairs(const struct conf_list *list, struct api_pairs *p) MUST_CHECK;

#endif
