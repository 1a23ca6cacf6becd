/* bus_redis_options.h: what a bus over Redis (bus_redis.h) is told when it is made. */
#ifndef BUS_BUS_REDIS_OPTIONS_H
#define BUS_BUS_REDIS_OPTIONS_H

#include "base/buf.h"
#include "bus/bus_seal.h"

enum { BUS_REDIS_WHY_MAX = 256, BUS_REDIS_NAME_MAX = 17 };

typedef bool bus_redis_password_f(void *ctx, struct str user, struct buf *out,
                                  char why[static BUS_REDIS_WHY_MAX]);

struct bus_redis_options {
    /* redis://[[user]:password@]host[:port][/db], where the password is asked for
     * redis://[user@]host..., or rediss:// for TLS; several with commas
     * between them: one after the other is tried. Of a cluster any node, or the name that
     * stands for all. */
    const char *url;
    const char *ca_file; /* of rediss; NULL: the system's */
    const char *text;    /* of this node, for the others: BUS_NODE_UP */
    /* The password of that user ("": the default one), asked for at each login instead of
     * what the URL says, on a thread that it may keep for seconds: true and appended to out,
     * which is wiped; or false and a sentence. NULL: the URL's. */
    bus_redis_password_f *password;
    void *password_ctx;
    unsigned login_ms; /* log in anew after this, by a new connection; 0: never */
    /* Told on the bus' loop when it comes up or goes down, and now and then if another
     * reason keeps it down; why: a sentence. May be NULL. */
    void (*changed)(void *ctx, bool up, const char *why);
    /* Told on the bus' loop, at most once a second each, that a message on a channel of this
     * system was none of its own: forged, or under another token secret. May be NULL. */
    void (*refused)(void *ctx, enum bus_seal_result why);
    void *ctx;
};

#endif
