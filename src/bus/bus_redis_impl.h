/* bus_redis_impl.h: what the files of bus_redis share. For src/bus/bus_redis*.c only.
 *
 *   bus_redis.c        what workers call, mail both ways, the loop's turn
 *   bus_redis_url.c    where Redis is, and as whom
 *   bus_redis_link.c   the two connections
 *   bus_redis_room.c   rooms that are followed, counts, messages, looks
 *   bus_redis_node.c   the other nodes
 *
 * Everything here runs on the bus' own loop, but for what says otherwise. */
#ifndef BUS_BUS_REDIS_IMPL_H
#define BUS_BUS_REDIS_IMPL_H

#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/wheel.h"
#include "bus/bus_redis.h"
#include "wire/resp.h"

enum {
    EARS_MAX = 64,
    TARGETS_MAX = 8,
    ID_MAX = 64,
    NAME_MAX = 128,               /* of a channel */
    HEAD_N = 25,                  /* of a message */
    UNSENT_MAX = 8 * 1024 * 1024, /* beyond it doorbells are dropped */
    QUEUE_MAX = UNSENT_MAX + 16 * 1024 * 1024,
    PASSWORD_MAX = 16 * 1024,
};

struct bus_redis;

/* One Redis, as the URL gives it. */
struct redis_target {
    char host[256]; /* host:port, for addr_resolve */
    char name[256]; /* whom TLS calls */
    char user[128], password[512];
    unsigned db;
    bool tls;
};

enum link_state { LINK_DOWN, LINK_CALLING, LINK_CONNECTING, LINK_GREETING, LINK_UP, LINK_CLOSING };

/* One connection; of the two, one subscribes and the other publishes.
 *
 *   DOWN --retry-->  CALLING  -> CONNECTING -> GREETING -> UP
 *    ^                 |             |            |         |
 *    +---- CLOSING <---+-------------+------------+---------+   nothing in flight any more */
struct redis_link {
    struct bus_redis *bus;
    bool subscribes;
    enum link_state state;
    unsigned target; /* that it calls */
    struct io *io;   /* TLS or not */
    struct io_op in, out;
    struct buf queued, sending;
    struct str part;
    struct resp_reader *reader;
    struct wheel_timer timer; /* when to try again; until when it must be up */
    struct buf password;      /* until it has greeted */
    unsigned greetings;       /* replies to come before it is up */
    unsigned failures;        /* in a row */
    uint64_t heard_ms, asked_ms;
    uint64_t until_ms;           /* then it logs in anew; 0: never */
    char why[BUS_REDIS_WHY_MAX]; /* it failed last */
};

/* A loop of this node. */
struct redis_ear {
    struct bus_redis *bus;
    struct io *home;
    bus_heard_f *heard;
    void *ctx;
    struct io_mail *first, *last; /* what it is told at the end of the turn */
};

/* Outlives the bus while mail is on its way. */
struct redis_gate {
    _Atomic unsigned refs;
    _Atomic bool shut;
};

/* How far a node has counted in a room's channel. */
struct redis_count {
    uint64_t node, count;
};

/* A room that is followed. */
struct redis_room {
    struct map_node node;
    struct list asked; /* to be subscribed to in this turn */
    unsigned ear;
    bool confirmed;
    uint64_t look_ms; /* when to say BUS_LOOK; 0: not */
    unsigned every_ms;
    struct redis_count *counts;
    unsigned counts_n;
    size_t id_n;
    uint8_t id[];
};

/* A channel that was published to. */
struct redis_sent {
    struct map_node node;
    struct list missed; /* doorbells that could not be sent */
    uint64_t count, seq;
    size_t id_n;
    uint8_t id[];
};

struct redis_node {
    struct map_node node;
    uint64_t id, heard_ms;
    size_t text_n;
    uint8_t text[BUS_TEXT_MAX];
};

struct bus_redis {
    struct bus bus;
    struct bus_redis_options o;
    struct io_host *host;
    struct io *io, *tls; /* tls: NULL if nothing is encrypted */
    struct tls_context *tls_context;
    struct io_helper *caller;
    struct redis_target targets[TARGETS_MAX];
    unsigned targets_n, target;
    char id[ID_MAX];
    uint8_t hash_key[16];
    uint64_t self;
    struct rng rng;
    struct redis_ear ears[EARS_MAX];
    unsigned ears_n;
    struct redis_gate *gate;
    struct wheel wheel;
    struct wheel_timer tick;
    struct redis_link publishes, subscribes;
    struct map rooms, sent, nodes;
    struct list asked, missed;
    struct map_iter looking; /* where the last tick's looks ended */
    unsigned base_confirmed; /* of the channels that are not rooms' */
    unsigned due_n;          /* rooms with look_ms, at most */
    uint64_t hello_ms;       /* when to say that we are here */
    bool up, ending;
    char said[BUS_REDIS_WHY_MAX]; /* why it is down; "": nothing yet */
    uint64_t said_ms;
    uint64_t end_ms;
    _Atomic bool is_up, stopped, started;
    struct bus_stats stats;
    char text[BUS_TEXT_MAX];
};

static inline struct bus_redis *bus_redis_of(struct bus *b)
{
    return CONTAINER_OF(b, struct bus_redis, bus);
}

static inline uint64_t bus_redis_now(struct bus_redis *b)
{
    return io_now_ms(b->io);
}

static inline void bus_redis_add(uint64_t *v, uint64_t n)
{
    __atomic_store_n(v, __atomic_load_n(v, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Where Redis is. False and a sentence. */
bool bus_redis_url(struct bus_redis *b, const char *url,
                   char why[static BUS_REDIS_WHY_MAX]) MUST_CHECK;

/* Tells a loop, or all, at the end of the turn. Strings are copied. */
void bus_redis_tell(struct bus_redis *b, unsigned ear, const struct bus_event *event);
void bus_redis_tell_all(struct bus_redis *b, const struct bus_event *event);

/* Links. The caller is the helper that finds out where and as whom: 0 or -errno. */
int bus_redis_link_caller(struct bus_redis *b) MUST_CHECK;
void bus_redis_link_init(struct redis_link *l, struct bus_redis *b, bool subscribes);
void bus_redis_link_fini(struct redis_link *l);
void bus_redis_link_open(struct redis_link *l);
void bus_redis_link_fail(struct redis_link *l, const char *why);
void bus_redis_link_say(struct redis_link *l, const struct str *words, unsigned n);
void bus_redis_link_flush(struct redis_link *l);
/* Is the other end alive? From time to time. */
void bus_redis_link_mind(struct redis_link *l);
/* Closes it for good. */
void bus_redis_link_close(struct redis_link *l);

/* A link came up or went down. */
void bus_redis_link_changed(struct bus_redis *b);
/* It did not come up, for the reason that it has: said if it is another one. */
void bus_redis_link_failed(struct bus_redis *b, const struct redis_link *l);

/* A reply on the link that subscribes. False if it is none of those that come there. */
bool bus_redis_room_hear(struct bus_redis *b, const struct resp_reply *reply);

/* Rooms. */
void bus_redis_room_follow(struct bus_redis *b, unsigned ear, struct str room, bool on);
void bus_redis_room_subscribe_all(struct bus_redis *b);
void bus_redis_room_subscribe(struct bus_redis *b); /* those asked for in this turn */
void bus_redis_room_look_all(struct bus_redis *b, unsigned within_ms);
void bus_redis_room_found(struct bus_redis *b, struct str room);
void bus_redis_room_looks(struct bus_redis *b); /* those that are due */
void bus_redis_room_publish(struct bus_redis *b, enum bus_kind kind, struct str topic, uint64_t seq,
                            struct str bytes);
void bus_redis_room_direct(struct bus_redis *b, uint64_t node, unsigned loop, struct str bytes);
void bus_redis_room_ring_missed(struct bus_redis *b);
void bus_redis_room_fini(struct bus_redis *b);

/* Nodes: their hellos and goodbyes go over the channel of every node. */
enum {
    MESSAGE_HELLO = 'h',
    MESSAGE_BYE = 'b',
    MESSAGE_RING = 'r',
    MESSAGE_CAST = 'c',
    MESSAGE_DIRECT = 'd'
};
void bus_redis_room_say(struct bus_redis *b, char kind, struct str bytes);
void bus_redis_node_heard(struct bus_redis *b, uint64_t node, char kind, struct str text);
void bus_redis_node_mind(struct bus_redis *b);
void bus_redis_node_fini(struct bus_redis *b);

#endif
