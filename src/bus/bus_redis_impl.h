/* bus_redis_impl.h: what the files of bus_redis share. For src/bus/bus_redis*.c only.
 *
 *   bus_redis.c          what workers call, mail both ways, the loop's turn
 *   bus_redis_url.c      where Redis is, and as whom
 *   bus_redis_link.c     a connection
 *   bus_redis_shard.c    which Redis has what: the one there is, or the shards of a cluster
 *   bus_redis_channel.c  channels' names
 *   bus_redis_room.c     rooms that are followed, subscriptions, looks
 *   bus_redis_publish.c  messages out, and those that are to be sent again
 *   bus_redis_hear.c     messages in
 *   bus_redis_node.c     the other nodes
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
#include "wire/slots.h"

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

enum link_role { LINK_PUBLISHES, LINK_SUBSCRIBES, LINK_SCOUTS };

enum link_state { LINK_DOWN, LINK_CALLING, LINK_CONNECTING, LINK_GREETING, LINK_UP, LINK_CLOSING };

struct redis_password {
    struct buf text;
    char user[128];
    uint64_t at_ms;
};

/* What was asked on a link that is answered in order. */
enum asked_kind { ASKED_LOGIN, ASKED_HELLO, ASKED_ROLE, ASKED_SLOTS, ASKED_PROBE, ASKED_PUBLISH };

struct redis_asked {
    enum asked_kind kind;
    struct redis_sent *sent; /* the room whose doorbell it is, or NULL */
};

/* One connection.
 *
 *   DOWN --retry-->  CALLING  -> CONNECTING -> GREETING -> UP
 *    ^                 |             |            |         |
 *    +---- CLOSING <---+-------------+------------+---------+   nothing in flight any more */
struct redis_link {
    struct bus_redis *bus;
    struct redis_shard *shard; /* NULL: it scouts */
    enum link_role role;
    enum link_state state;
    bool wanted;                       /* it is to be up */
    const struct redis_target *target; /* that it calls */
    struct io *io;                     /* TLS or not */
    struct io_op in, out;
    struct buf queued, sending;
    struct str part;
    struct resp_reader *reader;
    struct wheel_timer timer;  /* when to try again; until when it must be up */
    struct buf password;       /* until it has greeted */
    unsigned greetings;        /* replies to come before it is up */
    unsigned failures;         /* in a row */
    struct redis_asked *asked; /* a ring: answers to come */
    size_t asked_at, asked_n, asked_cap;
    uint64_t up_ms, heard_ms, asked_ms;
    uint64_t until_ms; /* then it logs in anew; 0: never */
};

/* A Redis that serves channels: the only one, or a primary of a cluster. */
struct redis_shard {
    struct list all;            /* of the bus' shards */
    struct redis_target target; /* of a cluster's; else one of the bus' */
    struct redis_link publishes, subscribes;
    struct list rooms; /* that it serves */
    struct list asked; /* those to be subscribed to in this turn */
    bool up;           /* it hears and is heard */
    bool served;       /* of a cluster: it has slots */
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
    struct redis_shard *at; /* that serves it; NULL: none does */
    struct list here;       /* at->rooms */
    struct list asked;      /* at->asked */
    unsigned ear;
    uint16_t slot;
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
    struct list missed; /* a doorbell that could not be sent, or was not taken */
    unsigned unanswered;
    uint64_t count, seq, rang_ms;
    size_t id_n;
    uint8_t id[];
};

struct redis_node {
    struct map_node node;
    uint64_t id, heard_ms;
    size_t text_n;
    uint8_t text[BUS_TEXT_MAX];
};

/* The channel of every node, and this node's own. */
enum { BASE_ALL, BASE_SELF, BASE_N };

struct redis_base {
    struct redis_shard *at;
    bool confirmed;
};

/* Of a cluster: who serves what. */
struct redis_cluster {
    bool on;      /* it is one, as far as is known */
    bool refuses; /* it says that it is down */
    struct redis_link scout;
    struct redis_target scouted; /* that the scout calls */
    unsigned scout_at;           /* which it calls next */
    struct slots *slots;         /* NULL: not known */
    struct redis_shard *places[SLOTS_NODES_MAX];
    uint64_t ask_ms, asked_ms; /* for the slots: when to, when last */
    bool asking, wanted;       /* an answer is to come; something is amiss */
    unsigned in_vain_n;        /* answers that brought nothing, in a row */
};

struct bus_redis {
    struct bus bus;
    struct bus_redis_options o;
    struct io_host *host;
    struct io *io, *tls; /* tls: NULL if nothing is encrypted */
    struct tls_context *tls_context;
    struct io_helper *caller;
    struct redis_password last_password; /* the caller's */
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
    struct redis_shard plain; /* where there is no cluster */
    struct redis_cluster cluster;
    struct list shards; /* plain, and the cluster's */
    struct redis_base base[BASE_N];
    struct map rooms, sent, nodes;
    size_t nowhere_n; /* rooms that no shard serves */
    struct list missed;
    uint64_t missed_ms;      /* when to send them */
    struct map_iter looking; /* where the last tick's looks ended */
    unsigned due_n;          /* rooms with look_ms, at most */
    uint64_t hello_ms;       /* when to say that we are here */
    bool up, ending;
    char why[BUS_REDIS_WHY_MAX];  /* a link failed last */
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
void bus_redis_link_no_caller(struct bus_redis *b);
void bus_redis_link_init(struct redis_link *l, struct bus_redis *b, struct redis_shard *shard,
                         enum link_role role);
void bus_redis_link_fini(struct redis_link *l);
/* It is to be up from now on, or to close for good. */
void bus_redis_link_want(struct redis_link *l, bool wanted);
void bus_redis_link_fail(struct redis_link *l, const char *why);
/* For links that are answered in order: what follows in the queue is a command of kind. */
void bus_redis_link_ask(struct redis_link *l, enum asked_kind kind, struct redis_sent *sent);
void bus_redis_link_say(struct redis_link *l, const struct str *words, unsigned n);
void bus_redis_link_flush(struct redis_link *l);
/* Is the other end alive? From time to time. */
void bus_redis_link_mind(struct redis_link *l);

/* A link came up or went down, or what it is for was confirmed. */
void bus_redis_changed(struct bus_redis *b);
/* A link failed for the reason that the bus has: said if it is another one than before. */
void bus_redis_failed(struct bus_redis *b);

/* Shards. */
void bus_redis_shard_init(struct bus_redis *b);
void bus_redis_shard_fini(struct bus_redis *b);
/* Who serves a slot, and is called if need be; NULL: nobody, for now. */
struct redis_shard *bus_redis_shard_of(struct bus_redis *b, uint16_t slot);
const struct redis_target *bus_redis_shard_target(struct redis_link *l);
/* Whether the Redis of a link that publishes, or scouts, is of a cluster. */
void bus_redis_shard_found(struct redis_link *l, bool cluster);
/* The answer to CLUSTER SLOTS. */
void bus_redis_shard_slots(struct redis_link *scout, const struct resp_reply *answer);
/* The cluster says that it is down, or that it is not. */
void bus_redis_shard_refuses(struct bus_redis *b, bool refuses);
/* Something is not where it should be: the slots are asked for anew, soon. */
void bus_redis_shard_amiss(struct bus_redis *b);
/* Is every one that is called up, and does every room have one? */
bool bus_redis_shard_all_up(struct bus_redis *b);
void bus_redis_shard_mind(struct bus_redis *b);
void bus_redis_shard_flush(struct bus_redis *b);
/* Closes all; true when they are. */
bool bus_redis_shard_close(struct bus_redis *b);

/* Channels' names: <id>:{<hash>}:<room>, <id>:$, <id>:@<node>. */
struct str bus_redis_channel_room(const struct bus_redis *b, struct str room,
                                  char to[static NAME_MAX]);
struct str bus_redis_channel_base(const struct bus_redis *b, unsigned base,
                                  char to[static NAME_MAX]);
struct str bus_redis_channel_node(const struct bus_redis *b, uint64_t node,
                                  char to[static NAME_MAX]);

/* Rooms. */
struct redis_room *bus_redis_room_find(struct bus_redis *b, struct str id);
void bus_redis_room_follow(struct bus_redis *b, unsigned ear, struct str room, bool on);
/* Shards have other slots: everything is subscribed to where it is now, and what is not
 * confirmed, once more. */
void bus_redis_room_place_all(struct bus_redis *b);
void bus_redis_room_subscribe_all(struct bus_redis *b, struct redis_shard *s);
void bus_redis_room_subscribe(struct bus_redis *b, struct redis_shard *s);
/* A subscription to a channel, without the id, was confirmed or has ended at a shard. */
void bus_redis_room_subscribed(struct bus_redis *b, struct redis_shard *s, struct str rest,
                               bool on);
/* Looks: of one; of a shard's (NULL: all) within a time; of those that are due. */
void bus_redis_room_look(struct bus_redis *b, struct redis_room *r);
void bus_redis_room_look_all(struct bus_redis *b, const struct redis_shard *s, unsigned within_ms);
void bus_redis_room_found(struct bus_redis *b, struct str room);
void bus_redis_room_looks(struct bus_redis *b);
/* Something happens in it. */
void bus_redis_room_busy(struct bus_redis *b, struct str room);
void bus_redis_room_fini(struct bus_redis *b);

/* Publishing. */
void bus_redis_publish(struct bus_redis *b, enum bus_kind kind, struct str topic, uint64_t seq,
                       struct str bytes);
void bus_redis_publish_direct(struct bus_redis *b, uint64_t node, unsigned loop, struct str bytes);
/* Over the channel of every node. */
void bus_redis_publish_say(struct bus_redis *b, char kind, struct str bytes);
/* A doorbell was answered: taken, or to be sent again. */
void bus_redis_publish_answered(struct bus_redis *b, struct redis_sent *s, bool taken);
/* Who had taken doorbells may not have passed them on: the last ones are sent again. */
void bus_redis_publish_again(struct bus_redis *b);
void bus_redis_publish_missed(struct bus_redis *b);
void bus_redis_publish_fini(struct bus_redis *b);

/* A message: kind, node, count, seq, and what it carries. */
struct redis_head {
    uint8_t kind;
    uint64_t node, count, seq;
};

/* A reply on a link that subscribes. False if it is none of those that come there. */
bool bus_redis_hear(struct bus_redis *b, struct redis_shard *s, const struct resp_reply *reply);

/* Nodes: their hellos and goodbyes go over the channel of every node. */
enum {
    MESSAGE_HELLO = 'h',
    MESSAGE_BYE = 'b',
    MESSAGE_RING = 'r',
    MESSAGE_CAST = 'c',
    MESSAGE_DIRECT = 'd'
};
void bus_redis_node_heard(struct bus_redis *b, uint64_t node, char kind, struct str text);
void bus_redis_node_mind(struct bus_redis *b);
void bus_redis_node_fini(struct bus_redis *b);

#endif
