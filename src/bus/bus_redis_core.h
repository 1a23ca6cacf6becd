/* bus_redis_core.h: what the parts of the bus over Redis stand on: its loop and time, what
 * workers are told, and whether it is up. For src/bus/bus_redis*.c only.
 *
 *   bus_redis    what workers call, mail both ways, the loop's turn
 *    hear        messages in
 *     node       the other nodes
 *      publish   messages out, and those that are to be sent again
 *      room      rooms that are followed, subscriptions, looks
 *       shard    which Redis has what: the one there is, or the shards of a cluster
 *        link    a connection
 *         url    where Redis is, and as whom
 *       channel  channels' names
 *         core
 *
 * A part knows only the parts below it; links and shards tell those above by ops. A file calls
 * its own part b. All parts run on the bus' own loop, but for what says otherwise. */
#ifndef BUS_BUS_REDIS_CORE_H
#define BUS_BUS_REDIS_CORE_H

#include "base/rng.h"
#include "base/str.h"
#include "base/wheel.h"
#include "bus/bus.h"
#include "bus/bus_redis_options.h"
#include "io/io.h"

enum { EARS_MAX = 64 };

struct tls_context;

/* A loop of this node that hears the bus. */
struct redis_ear {
    struct io *home;
    bus_heard_f *heard;
    void *ctx;
    struct io_mail *first, *last; /* what the loop is told at the end of the turn */
};

/* Counts the mail on its way; outlives the bus while there is any. */
struct redis_gate {
    _Atomic unsigned refs;
    _Atomic bool shut;
};

struct redis_core {
    struct bus_redis_options o;
    struct io *io, *tls; /* tls: NULL if nothing is encrypted */
    struct tls_context *tls_context;
    struct wheel wheel;
    struct rng rng;
    uint64_t self;
    uint8_t hash_key[16];
    char id[BUS_REDIS_NAME_MAX];
    struct bus_seal seal;
    struct redis_ear ears[EARS_MAX];
    unsigned ears_n;
    struct redis_gate *gate;
    bool up, ending;
    char why[BUS_REDIS_WHY_MAX];  /* why a link failed last */
    char said[BUS_REDIS_WHY_MAX]; /* the reason that was said last; "": none yet */
    uint64_t said_ms;
    _Atomic bool is_up;
    struct bus_stats stats;
};

static inline uint64_t bus_redis_now(const struct redis_core *b)
{
    return io_now_ms(b->io);
}

static inline void bus_redis_add(uint64_t *v, uint64_t n)
{
    __atomic_store_n(v, __atomic_load_n(v, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Begins on the loop of io, which becomes the bus' own. */
void bus_redis_core_init(struct redis_core *b, const struct bus_redis_options *o, struct io *io);
void bus_redis_core_fini(struct redis_core *b);

/* Tells a loop, or all loops, at the end of the turn, by bus_redis_core_post. Strings are
 * copied. */
void bus_redis_core_tell(struct redis_core *b, unsigned ear, const struct bus_event *event);
void bus_redis_core_tell_all(struct redis_core *b, const struct bus_event *event);
void bus_redis_core_post(struct redis_core *b);

/* Says the reason in why, for which a link failed, unless it is the one that was said last. */
void bus_redis_core_failed(struct redis_core *b);
/* Tells the loops whether every link that is needed is up, if that has changed. */
void bus_redis_core_changed(struct redis_core *b, bool up);

#endif
