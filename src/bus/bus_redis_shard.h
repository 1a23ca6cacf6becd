/* bus_redis_shard.h: which Redis has what: the one there is, or the shards of a cluster. It
 * owns the links, and understands what is answered on those that publish or scout. */
#ifndef BUS_BUS_REDIS_SHARD_H
#define BUS_BUS_REDIS_SHARD_H

#include "base/list.h"
#include "bus/bus_redis_channel.h"
#include "bus/bus_redis_link.h"
#include "wire/slots.h"

/* A Redis that serves channels: the only one, or a primary of a cluster. */
struct redis_shard {
    struct list all;            /* of the bus' shards */
    struct redis_target target; /* of a cluster's; else one of the URL's */
    struct redis_link publishes, subscribes;
    struct list rooms; /* that it serves */
    struct list asked; /* those to be subscribed to in this turn */
    bool up;           /* it hears and is heard */
    bool served;       /* of a cluster: it has slots */
};

/* The channel of every node, or this node's own. */
struct redis_base {
    struct redis_shard *at;
    bool confirmed;
    struct bus_seal_channel seal;
    uint64_t count; /* of what was sent: to every node; to one */
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

/* What shards tell whoever uses them. */
struct redis_shards_ops {
    /* Channels may be served elsewhere now. */
    void (*moved)(struct redis_shards *b);
    /* What the shard (NULL: each) serves may be missed: looks, within that time. */
    void (*unheard)(struct redis_shards *b, const struct redis_shard *s, unsigned within_ms);
    /* What could not be sent may be tried again; to_all: to the channel of every node, too. */
    void (*sends)(struct redis_shards *b, bool to_all);
    /* It can be told what to subscribe to; anew: it has forgotten all. */
    void (*subscribes)(struct redis_shards *b, struct redis_shard *s, bool anew);
    /* A doorbell was taken; or was not, and is to be sent again. */
    void (*answered)(struct redis_shards *b, struct redis_sent *sent, bool taken);
    /* Who had taken doorbells may not have passed them on. */
    void (*forgot)(struct redis_shards *b);
    /* A reply on a link that subscribes. False if it is none of those that come there. */
    bool (*heard)(struct redis_shards *b, struct redis_shard *s, const struct resp_reply *reply);
};

struct redis_shards {
    const struct redis_shards_ops *ops;
    struct redis_core *core;
    struct redis_caller caller;
    struct redis_targets targets; /* the URL's */
    unsigned target;              /* of them, that is called */
    struct redis_shard plain;     /* where there is no cluster */
    struct redis_cluster cluster;
    struct list list; /* plain, and the cluster's */
    struct redis_base base[BASE_N];
    size_t nowhere_n; /* rooms that no shard serves */
};

/* Of no link yet: targets are read, and caller is made. */
void bus_redis_shard_init(struct redis_shards *b, const struct redis_shards_ops *ops);
void bus_redis_shard_fini(struct redis_shards *b);
/* Who serves a slot, and is called if need be; NULL: nobody, for now. */
struct redis_shard *bus_redis_shard_of(struct redis_shards *b, uint16_t slot);
/* Is it up, and does its cluster say that it is? NULL is not. */
bool bus_redis_shard_serves(const struct redis_shards *b, const struct redis_shard *s);
/* Something is not where it should be: the slots are asked for anew, soon. */
void bus_redis_shard_amiss(struct redis_shards *b);
/* A link came up or went down, or what it is for was confirmed. */
void bus_redis_shard_changed(struct redis_shards *b);
void bus_redis_shard_mind(struct redis_shards *b);
void bus_redis_shard_flush(struct redis_shards *b);
/* Closes all, at once or, until end_ms, when what was said is answered; true when they are. */
bool bus_redis_shard_close(struct redis_shards *b, uint64_t end_ms);

#endif
