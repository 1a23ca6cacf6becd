/* bus_redis.h: the bus between nodes over Redis' publish and subscribe. Redis carries
 * hints: what it loses, the store has.
 *
 *   workers --mail--> [ loop of the bus: rooms, nodes, connections ] --mail--> workers
 *                          | PUBLISH                ^ SUBSCRIBEd
 *                          v                        |
 *                        Redis ----------------------
 *
 *   <id>:{<hash>}:<room>   doorbells and casts of a room; subscribed to while it is followed
 *   <id>:$                 casts of every node, and that there is a node
 *   <id>:@<node>           what is for one node
 *
 * <id> is the store's own, so that two systems on one Redis do not mix. A message begins
 * with who sent it and the sender's count for that channel, from which the receiver sees
 * that one is missing. A doorbell that was not answered for is rung again. A subscription
 * that is confirmed, a count that jumps and a node that is gone or new make it say BUS_LOOK; while
 * it is down it says so from time to time for every room, sooner for those where something
 * happened lately.
 *
 * One Redis has two connections of each node. A cluster, which it finds out by itself, has
 * two for each primary, over which the channels are spread by their slots (SPUBLISH,
 * SSUBSCRIBE), and one that asks who serves which slots: every ten seconds, and within half
 * a second when something is not where it should be. What one primary carries is looked
 * after while that one is down. */
#ifndef BUS_BUS_REDIS_H
#define BUS_BUS_REDIS_H

#include "base/buf.h"
#include "bus/bus.h"
#include "io/host.h"
#include "io/tls_context.h"

enum { BUS_REDIS_WHY_MAX = 256 };

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
    void *ctx;
};

/* Attach loops, then bus_redis_start. 0; or -errno and a sentence in ret_why. */
int bus_redis_new(struct io_host *host, const struct bus_redis_options *o, struct bus **ret_bus,
                  char ret_why[static BUS_REDIS_WHY_MAX]) MUST_CHECK;

/* Begins, for the system of that id, which is copied: once, when loops are attached. What
 * is asked of the bus before waits. Any thread. 0 or -errno. */
int bus_redis_start(struct bus *b, struct str id) MUST_CHECK;

#endif
