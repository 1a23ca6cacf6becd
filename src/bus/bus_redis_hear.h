/* bus_redis_hear.h: messages in: whose they are, and whom they are for. */
#ifndef BUS_BUS_REDIS_HEAR_H
#define BUS_BUS_REDIS_HEAR_H

#include "bus/bus_redis_node.h"

struct redis_hearing {
    struct redis_core *core;
    struct redis_nodes *nodes;
    uint64_t refused_ms[BUS_SEAL_RESULT_N]; /* when that was told last */
};

/* A reply on a link that subscribes. False if it is none of those that come there. */
bool bus_redis_hear(struct redis_hearing *b, struct redis_shard *s, const struct resp_reply *reply);

#endif
