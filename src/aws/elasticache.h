/* elasticache.h: passwords of users who log in to ElastiCache by IAM: a request that is
 * signed ahead and never sent. Good for 15 minutes, for one login; whoever is logged in
 * is dropped after 12 hours, unless they log in again. Pure. */
#ifndef AWS_ELASTICACHE_H
#define AWS_ELASTICACHE_H

#include "base/buf.h"
#include "wire/sigv4.h"

struct elasticache_login {
    struct str cache; /* its name: of the replication group, or the serverless cache */
    struct str user;  /* its id, which is its name, too */
    struct str region;
    bool serverless;
};

/* Appends the password for AUTH, made at this Unix time. False if a name is empty or too
 * long, or has what no host name has: then nothing is appended. */
bool elasticache_password(struct sigv4_key *k, const struct sigv4_credentials *c,
                          const struct elasticache_login *l, uint64_t now_s,
                          struct buf *out) MUST_CHECK;

#endif
