/* bus.h: doorbells and casts between nodes. The store is the truth; the bus only
 * says "look again", so that losing it costs time and nothing else.
 *
 * Contract (design: section 6), identical for every implementation:
 *  1. ring(room, seq, bytes), after the commit, reaches the other nodes that
 *     follow the room: at most once, perhaps reordered, twice, or never. It does
 *     not come back to the node that rang.
 *  2. cast(topic, bytes): typing, presence, revocations; the same delivery.
 *  3. follow and unfollow say which rooms' doorbells and casts reach this node.
 *  4. heard is called on the loop that attached, never inside a call into the
 *     bus; the strings are lent for the call.
 *  5. When doorbells of a followed room may have been missed (a counter's gap, a
 *     node gone, a subscription confirmed), heard is called with kind BUS_LOOK,
 *     and the owner compares its head with the store's. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/base.h"

struct io;
struct bus;

enum bus_kind {
    BUS_RING,
    BUS_CAST,
    BUS_LOOK,
};

struct bus_event {
    enum bus_kind kind;
    struct str room; /* or topic */
    uint64_t seq;    /* BUS_RING */
    struct str bytes;
};

typedef void bus_heard_f(void *ctx, const struct bus_event *event);

struct bus_ops {
    const char *name;
    bool alone; /* there are no other nodes */
    void (*attach)(struct bus *b, struct io *home, bus_heard_f *heard, void *ctx);
    void (*follow)(struct bus *b, struct io *home, struct str room, bool on);
    void (*ring)(struct bus *b, struct str room, uint64_t seq, struct str bytes);
    void (*cast)(struct bus *b, struct str topic, struct str bytes);
    bool (*degraded)(struct bus *b);
    void (*close)(struct bus *b);
};

struct bus {
    const struct bus_ops *ops;
};

/* A loop asks to hear what concerns the rooms that it follows. */
static inline void bus_attach(struct bus *b, struct io *home, bus_heard_f *heard, void *ctx)
{
    b->ops->attach(b, home, heard, ctx);
}

static inline void bus_follow(struct bus *b, struct io *home, struct str room, bool on)
{
    b->ops->follow(b, home, room, on);
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

/* True while other nodes may not hear: the program goes on, slower. */
static inline bool bus_degraded(struct bus *b)
{
    return b->ops->degraded(b);
}

/* Is there no other node? Then what is in memory is what the store holds. */
static inline bool bus_is_alone(const struct bus *b)
{
    return b->ops->alone;
}

static inline void bus_close(struct bus *b)
{
    if (b != NULL)
        b->ops->close(b);
}

/* One node only: nobody else hears. Never degraded. */
struct bus *bus_local_new(void) MUST_CHECK;

#endif
