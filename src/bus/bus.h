/* bus.h: doorbells and casts between nodes. The store is the truth; the bus only
 * says "look again", so that losing it costs time and nothing else.
 *
 *   owner --ring, cast--> [ bus of this node ] --> ... --> [ bus of others ] --mail--> loops
 *
 * Contract (design: section 6), identical for every implementation
 * (tests/contract/test_bus.c):
 *  1. ring(room, seq, bytes), after the commit, reaches the other nodes that
 *     follow the room: at most once, perhaps reordered, twice, or never. It does
 *     not come back to the node that rang. Of more than BUS_BYTES_MAX bytes the
 *     seq alone is told.
 *  2. cast(topic, bytes) is delivered likewise. A topic that begins with '$' is
 *     of every node, and heard on every loop; another is a room's, heard on the
 *     loop that follows it. Casts of more than BUS_CAST_MAX bytes are dropped.
 *  3. follow and unfollow say which rooms' doorbells and casts reach this loop.
 *     One loop of a node follows a room.
 *  4. heard is called on the loop that attached, never inside a call into the
 *     bus; the strings are lent for the call.
 *  5. When doorbells of a followed room may have been missed (a counter's gap, a
 *     node gone or new, a subscription confirmed), or while the bus is down from time to
 *     time, heard is called with kind BUS_LOOK, and the owner compares its head
 *     with the store's. Rooms where something happened lately come first.
 *     While a node is missing (it was there, is not heard, and did not say goodbye),
 *     it may write and not be able to ring: BUS_POLL asks for the same, of each
 *     followed room at least every BUS_POLL_MAX_MS, for BUS_MISSING_MS at most or
 *     as bus_alive says.
 *  6. Each node has an id, drawn at random, never 0, and a text that says where it
 *     is. BUS_NODE_UP is heard on every loop for each other node that appears
 *     (again, if its text changed), BUS_NODE_DOWN when it said goodbye or was not
 *     heard of for BUS_LEASE_MS.
 *  7. direct(node, loop, bytes) reaches that node's loop (numbered in the order of
 *     attaching, from 0), with the sender's node: at most once, perhaps never. The
 *     first loop hears what is for a loop that the node does not have: it can answer.
 *  8. What is heard was written by a node of this system that is there, not long ago.
 *     Everything else is dropped, and counted; a doorbell of it may become a BUS_POLL.
 *  9. After stop nothing is heard, and calls do nothing; stop may be called while
 *     loops run, or when they have ended, and before they are freed. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/base.h"

struct io;
struct bus;

enum {
    BUS_BYTES_MAX = 4096,
    BUS_CAST_MAX = 64 * 1024,
    BUS_TEXT_MAX = 256,
    BUS_LEASE_MS = 10000,
    BUS_POLL_MAX_MS = 15000,
    BUS_MISSING_MS = 10 * 60 * 1000,
};

enum bus_kind {
    BUS_RING,
    BUS_CAST,
    BUS_LOOK,
    BUS_POLL,
    BUS_DIRECT,
    BUS_NODE_UP,
    BUS_NODE_DOWN,
};

struct bus_event {
    enum bus_kind kind;
    uint64_t node;    /* who; of BUS_LOOK, BUS_POLL: 0 */
    struct str room;  /* or topic; of BUS_DIRECT and the nodes' coming and going: empty */
    uint64_t seq;     /* BUS_RING */
    struct str bytes; /* BUS_NODE_UP: its text */
};

typedef void bus_heard_f(void *ctx, const struct bus_event *event);

/* Running totals and levels, for metrics. */
struct bus_stats {
    uint64_t rings, casts, directs; /* sent */
    uint64_t heard, looks, gaps;    /* told to loops; looks asked for; counters' gaps */
    uint64_t dropped;               /* too long, or the bus was down or slow */
    uint64_t reconnects;
    uint64_t forged, other_keys;  /* not of this system; under another token secret */
    uint64_t stale;               /* of this system, but said again, or late */
    uint64_t slot_maps;           /* how often a cluster was asked for its slots */
    uint64_t nodes, channels;     /* other nodes; rooms followed; levels */
    uint64_t missing, polls;      /* nodes that are missing, a level; BUS_POLLs asked for */
    uint64_t shards, shards_down; /* servers that carry it */
};

struct bus_ops {
    const char *name;
    bool alone; /* there are no other nodes */
    void (*attach)(struct bus *b, struct io *home, bus_heard_f *heard, void *ctx);
    uint64_t (*self)(struct bus *b);
    void (*follow)(struct bus *b, struct io *home, struct str room, bool on);
    void (*found)(struct bus *b, struct str room);
    void (*alive)(struct bus *b, uint64_t node, bool alive);
    void (*ring)(struct bus *b, struct str room, uint64_t seq, struct str bytes);
    void (*cast)(struct bus *b, struct str topic, struct str bytes);
    void (*direct)(struct bus *b, uint64_t node, unsigned loop, struct str bytes);
    bool (*degraded)(struct bus *b);
    void (*stats)(struct bus *b, struct bus_stats *ret_stats);
    void (*stop)(struct bus *b);
    void (*close)(struct bus *b);
};

struct bus {
    const struct bus_ops *ops;
};

/* A loop asks to hear what concerns the rooms that it follows. Before it runs. */
static inline void bus_attach(struct bus *b, struct io *home, bus_heard_f *heard, void *ctx)
{
    b->ops->attach(b, home, heard, ctx);
}

/* This node's id. Any thread. */
static inline uint64_t bus_self(struct bus *b)
{
    return b->ops->self(b);
}

/* On home's loop. */
static inline void bus_follow(struct bus *b, struct io *home, struct str room, bool on)
{
    b->ops->follow(b, home, room, on);
}

/* A look at the room found entries that no doorbell had told of: while the bus is
 * down, or a node missing, it is to be looked at again sooner. Any loop. */
static inline void bus_found(struct bus *b, struct str room)
{
    b->ops->found(b, room);
}

/* What the store says of a node, by its bus' id: it lives, to be repeated at least every
 * BUS_LEASE_MS; or it has ended. If it lives and is not heard it is missing. Any loop. */
static inline void bus_alive(struct bus *b, uint64_t node, bool alive)
{
    b->ops->alive(b, node, alive);
}

/* Any loop. bytes may be empty: the seq alone. */
static inline void bus_ring(struct bus *b, struct str room, uint64_t seq, struct str bytes)
{
    b->ops->ring(b, room, seq, bytes);
}

static inline void bus_cast(struct bus *b, struct str topic, struct str bytes)
{
    b->ops->cast(b, topic, bytes);
}

static inline void bus_direct(struct bus *b, uint64_t node, unsigned loop, struct str bytes)
{
    b->ops->direct(b, node, loop, bytes);
}

/* True while other nodes may not hear: the program goes on, slower. Any thread. */
static inline bool bus_degraded(struct bus *b)
{
    return b->ops->degraded(b);
}

/* Any thread; figures may be slightly behind. */
static inline void bus_stats(struct bus *b, struct bus_stats *ret_stats)
{
    b->ops->stats(b, ret_stats);
}

/* Is there no other node? Then what is in memory is what the store holds. */
static inline bool bus_is_alone(const struct bus *b)
{
    return b->ops->alone;
}

/* NULL is fine. */
static inline void bus_stop(struct bus *b)
{
    if (b != NULL)
        b->ops->stop(b);
}

/* Stops and frees; its loops may still exist, but run no more. NULL is fine. */
static inline void bus_close(struct bus *b)
{
    if (b != NULL)
        b->ops->close(b);
}

/* One node only: nobody else hears. Never degraded. */
struct bus *bus_local_new(void) MUST_CHECK;

#endif
