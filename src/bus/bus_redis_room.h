/* bus_redis_room.h: rooms that are followed: where they are subscribed to, and when to say
 * that one is to be looked at. */
#ifndef BUS_BUS_REDIS_ROOM_H
#define BUS_BUS_REDIS_ROOM_H

#include "base/map.h"
#include "bus/bus_redis_shard.h"

/* How far a node has counted in a room's channel. */
struct redis_count {
    uint64_t node, count;
};

/* A room that is followed. */
struct redis_room {
    struct map_node node;
    struct redis_shard *at; /* that serves it; NULL: none does */
    struct list here;       /* at->rooms */
    struct list asked;      /* at->asked */
    unsigned ear;
    uint16_t slot;
    bool confirmed;
    bool polls;       /* look_ms is for a BUS_POLL */
    uint64_t look_ms; /* when to say BUS_LOOK or BUS_POLL; 0: not */
    unsigned every_ms;
    struct redis_count *counts;
    unsigned counts_n;
    struct bus_seal_channel seal;
    size_t id_n;
    uint8_t id[];
};

struct redis_rooms {
    struct redis_core *core;
    struct redis_shards *shards;
    struct map map;
    struct map_iter looking; /* where the last tick's looks ended */
    unsigned due_n;          /* rooms with look_ms, at most */
    bool missing;            /* a node may write and be unable to ring */
};

void bus_redis_room_init(struct redis_rooms *b, struct redis_shards *shards);
void bus_redis_room_fini(struct redis_rooms *b);
/* NULL: it is not followed. */
struct redis_room *bus_redis_room_find(struct redis_rooms *b, struct str id);
void bus_redis_room_follow(struct redis_rooms *b, unsigned ear, struct str id, bool on);
/* Shards have other slots: everything is subscribed to where it is now, and what is not
 * confirmed, once more. */
void bus_redis_room_place_all(struct redis_rooms *b);
void bus_redis_room_subscribe_all(struct redis_rooms *b, struct redis_shard *s);
void bus_redis_room_subscribe(struct redis_rooms *b, struct redis_shard *s);
/* A subscription to a channel, without the id, was confirmed or has ended at a shard. */
void bus_redis_room_subscribed(struct redis_rooms *b, struct redis_shard *s, struct str rest,
                               bool on);
/* Looks: of one; of a shard's (NULL: all) within a time; of those that are due. */
void bus_redis_room_look(struct redis_rooms *b, struct redis_room *r);
void bus_redis_room_look_all(struct redis_rooms *b, const struct redis_shard *s,
                             unsigned within_ms);
void bus_redis_room_looks(struct redis_rooms *b);
/* Whether a node is missing: each room is polled from then on, until none is. */
void bus_redis_room_missing(struct redis_rooms *b, bool missing);
/* bus_found of it. */
void bus_redis_room_found(struct redis_rooms *b, struct str id);
/* What was heard of it may be old: it is looked at soon, once for all that is heard till then. */
void bus_redis_room_doubt(struct redis_rooms *b, struct redis_room *r);
/* Something happens in it. */
void bus_redis_room_busy(struct redis_rooms *b, struct str id);

#endif
