/* aws_env.h: the settings that every program of AWS shares, from the environment or
 * from where a test has them. */
#ifndef AWS_AWS_ENV_H
#define AWS_AWS_ENV_H

#include "base/base.h"

struct aws_env {
    /* What the variable holds, good as long as the env is; or NULL. */
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
};

/* The process's own: entries "NAME=value", ended by NULL, which stay the caller's. */
struct aws_env aws_env_of(char **environ);

/* As get; what is empty counts as absent. */
const char *aws_env_get(const struct aws_env *e, const char *name);

/* Where a service is to be found instead of at AWS: AWS_ENDPOINT_URL_<SERVICE>, else
 * AWS_ENDPOINT_URL; NULL: at AWS. service in capitals: "DYNAMODB". */
const char *aws_env_endpoint(const struct aws_env *e, const char *service);

/* AWS_REGION, else AWS_DEFAULT_REGION; NULL if there is none. */
const char *aws_env_region(const struct aws_env *e);

#endif
