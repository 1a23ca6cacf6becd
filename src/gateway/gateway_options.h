/* gateway_options.h: what the settings of `polylog gateway` say, put where the gateway reads
 * it. Errors are sentences for a person. */
#ifndef GATEWAY_GATEWAY_OPTIONS_H
#define GATEWAY_GATEWAY_OPTIONS_H

#include "aws/aws_env.h"
#include "conf/conf.h"
#include "gateway/gateway.h"

/* Adds the routes, the stage and its variables to what a file has said, and what API Gateway
 * would have by default. False, and why, if they cannot be. */
bool gateway_options_api(const struct conf *c, struct api *a, char why[static API_WHY_MAX]);

/* Limits, faults, access keys, region, ids. g->api is set. False, and why. */
bool gateway_options_fill(const struct conf *c, const struct aws_env *env, struct gateway *g,
                          char why[static API_WHY_MAX]);

/* Frees what gateway_options_fill has made. */
void gateway_options_fini(struct gateway *g);

#endif
