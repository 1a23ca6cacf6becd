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
 * <id> is made of the store's own and of where the store is, so that two systems on one Redis
 * do not mix, not even when one is a copy of the other. A message begins with a seal
 * (bus_seal.h) and the sender's count for that channel, from which the receiver sees
 * that one is missing. A doorbell that was not answered for is rung again. A subscription
 * that is confirmed, a count that jumps and a node that is gone or new make it say BUS_LOOK; while
 * it is down it says so from time to time for every room, sooner for those where something
 * happened lately. While a node is missing (bus.h, 5) it says BUS_POLL in the same way.
 *
 * One Redis has two connections of each node. A cluster, which it finds out by itself, has
 * two for each primary, over which the channels are spread by their slots (SPUBLISH,
 * SSUBSCRIBE), and one that asks who serves which slots: every ten seconds, and within half
 * a second when something is not where it should be. What one primary carries is looked
 * after while that one is down. */
#ifndef BUS_BUS_REDIS_H
#define BUS_BUS_REDIS_H

#include "bus/bus.h"
#include "bus/bus_redis_options.h"
#include "io/host.h"

/* Attach loops, then bus_redis_start. 0; or -errno and a sentence in ret_why. */
int bus_redis_new(struct io_host *host, const struct bus_redis_options *o, struct bus **ret_bus,
                  char ret_why[static BUS_REDIS_WHY_MAX]) MUST_CHECK;

/* The nodes that are to hear each other: on one store, with one secret. */
struct bus_redis_system {
    struct str id;     /* the store's own, which a copy of it has as well */
    struct str where;  /* the store's place, which a copy does not have */
    struct str secret; /* of tokens */
};

/* What the names of the system's channels begin with: 16 hexadecimal digits. */
void bus_redis_name(const struct bus_redis_system *s, char ret_name[static BUS_REDIS_NAME_MAX]);

/* Begins, for that system, which is copied: once, when loops are attached. What is asked of
 * the bus before waits. Any thread. 0 or -errno. */
int bus_redis_start(struct bus *b, const struct bus_redis_system *system) MUST_CHECK;

#endif
