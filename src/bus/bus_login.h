/* bus_login.h: the password for Redis where it is in no URL: printed by a command, or made
 * for a user of ElastiCache whom IAM knows (aws/elasticache.h). For bus_redis_options. */
#ifndef BUS_BUS_LOGIN_H
#define BUS_BUS_LOGIN_H

#include "aws/aws_env.h"
#include "bus/bus_redis_options.h"

/* Whoever is logged in by IAM is dropped after 12 hours. */
enum { BUS_LOGIN_MS = 11 * 3600 * 1000 };

struct bus_login_options {
    const char *command; /* of the shell; or "" */
    const char *cache;   /* ElastiCache's name of it; "serverless:" before it if it is; or "" */
    const struct aws_env *env;
};

struct bus_login;

/* One of the two is not "". The strings stay the caller's, and stay. Waits for credentials
 * of AWS. 0; or -errno and a sentence. */
int bus_login_open(const struct bus_login_options *o, struct bus_login **ret_login,
                   char ret_why[static BUS_REDIS_WHY_MAX]) MUST_CHECK;

/* A bus_redis_password_f; ctx: the login. On one thread at a time. */
bool bus_login_password(void *ctx, struct str user, struct buf *out,
                        char why[static BUS_REDIS_WHY_MAX]);

/* Nobody asks any more. NULL is fine. */
void bus_login_close(struct bus_login *l);

#endif
