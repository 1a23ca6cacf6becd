/* redis_cluster.h: a Redis cluster of the test's own: primaries that share the slots
 * evenly, and replicas of the first of them. */
#ifndef LIB_REDIS_CLUSTER_H
#define LIB_REDIS_CLUSTER_H

#include "lib/redis_rig.h"

enum { REDIS_CLUSTER_MAX = 6 };

struct redis_cluster {
    struct redis_rig nodes[REDIS_CLUSTER_MAX]; /* primaries first */
    char dirs[REDIS_CLUSTER_MAX][32];
    char ids[REDIS_CLUSTER_MAX][48];
    unsigned primaries_n, n;
};

/* Returns when all agree that it is well. more: further arguments of each, as of
 * redis_rig_start. */
void redis_cluster_start(struct redis_cluster *c, unsigned primaries, unsigned replicas,
                         const char *const *more);

/* Starts one again that was killed. */
void redis_cluster_restart(struct redis_cluster *c, unsigned node, const char *const *more);

/* The primary that a slot was given to at the beginning. */
unsigned redis_cluster_of(const struct redis_cluster *c, unsigned slot);

/* Gives a slot to another primary. */
void redis_cluster_move(struct redis_cluster *c, unsigned slot, unsigned from, unsigned to);

/* Waits until a node's answer to a command has that in it. */
void redis_cluster_wait(struct redis_cluster *c, unsigned node, const char *command,
                        const char *what);

/* Kills all, and removes what they wrote. Harmless if nothing runs. */
void redis_cluster_stop(struct redis_cluster *c);

#endif
