#include "aws/aws_env.h"

#include "base/str.h"

#include <stdio.h>

static const char *aws_env_find(void *ctx, const char *name)
{
    char **e = ctx;
    size_t n = strlen(name);

    for (; *e != NULL; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

struct aws_env aws_env_of(char **environ)
{
    return (struct aws_env){aws_env_find, environ};
}

const char *aws_env_get(const struct aws_env *e, const char *name)
{
    const char *v = e->get(e->ctx, name);

    return v != NULL && *v != '\0' ? v : NULL;
}

const char *aws_env_endpoint(const struct aws_env *e, const char *service)
{
    char name[64];
    const char *v;

    (void)snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service);
    v = aws_env_get(e, name);
    return v != NULL ? v : aws_env_get(e, "AWS_ENDPOINT_URL");
}

const char *aws_env_region(const struct aws_env *e)
{
    const char *v = aws_env_get(e, "AWS_REGION");

    return v != NULL ? v : aws_env_get(e, "AWS_DEFAULT_REGION");
}
