/* bus_redis_publish.h: messages out, and doorbells that are to be sent again. */
#ifndef BUS_BUS_REDIS_PUBLISH_H
#define BUS_BUS_REDIS_PUBLISH_H

#include "base/map.h"
#include "bus/bus_redis_shard.h"

struct redis_publisher {
    struct redis_core *core;
    struct redis_shards *shards;
    struct map sent;    /* channels that were published to */
    struct list missed; /* of them, whose last doorbell is to be sent again */
    uint64_t missed_ms; /* when to */
};

void bus_redis_publish_init(struct redis_publisher *b, struct redis_shards *shards);
void bus_redis_publish_fini(struct redis_publisher *b);
/* A doorbell or a cast. */
void bus_redis_publish(struct redis_publisher *b, enum bus_kind kind, struct str topic,
                       uint64_t seq, struct str bytes);
/* To one node: kind is MESSAGE_DIRECT, and number the loop; or another. */
void bus_redis_publish_direct(struct redis_publisher *b, uint8_t kind, uint64_t node,
                              uint64_t number, struct str bytes);
/* Over the channel of every node. */
void bus_redis_publish_say(struct redis_publisher *b, uint8_t kind, struct str bytes);
/* A doorbell was answered: taken, or to be sent again. */
void bus_redis_publish_answered(struct redis_publisher *b, struct redis_sent *s, bool taken);
/* Who had taken doorbells may not have passed them on: the last ones are sent again. */
void bus_redis_publish_again(struct redis_publisher *b);
void bus_redis_publish_missed(struct redis_publisher *b);

#endif
