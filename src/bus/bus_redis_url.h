/* bus_redis_url.h: where Redis is, and as whom. */
#ifndef BUS_BUS_REDIS_URL_H
#define BUS_BUS_REDIS_URL_H

#include "bus/bus_redis_options.h"

/* One Redis, as the URL gives it. */
struct redis_target {
    char host[256]; /* host:port, for addr_resolve */
    char name[256]; /* whom TLS calls */
    char user[128], password[512];
    unsigned db;
    bool tls;
};

struct redis_targets {
    struct redis_target list[8];
    unsigned n;
};

/* Reads the URL of bus_redis_options into ret, which is empty; asked: the password is asked
 * for. False and a sentence. */
bool bus_redis_url(const char *url, bool asked, struct redis_targets *ret,
                   char why[static BUS_REDIS_WHY_MAX]) MUST_CHECK;

#endif
