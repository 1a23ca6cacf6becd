/* bus_redis_link.h: a connection to a Redis: called, greeted, and opened again when it fails.
 * It knows how to log in; what is said and heard beyond is its owner's (bus_redis_shard.h). */
#ifndef BUS_BUS_REDIS_LINK_H
#define BUS_BUS_REDIS_LINK_H

#include "bus/bus_redis_core.h"
#include "bus/bus_redis_url.h"
#include "wire/resp.h"

enum {
    UNSENT_MAX = 8 * 1024 * 1024, /* beyond it doorbells are dropped */
    QUEUE_MAX = UNSENT_MAX + 16 * 1024 * 1024,
};

struct io_helper;
struct io_host;
struct redis_sent;
struct redis_shard;
struct redis_shards;

enum link_role { LINK_PUBLISHES, LINK_SUBSCRIBES, LINK_SCOUTS };

enum link_state {
    LINK_DOWN,
    LINK_CALLING,
    LINK_CONNECTING,
    LINK_GREETING,
    LINK_UP,
    LINK_CLOSING,
    LINK_STATE_N,
};

/* What was asked on a link that is answered in order. */
enum asked_kind { ASKED_LOGIN, ASKED_HELLO, ASKED_ROLE, ASKED_SLOTS, ASKED_PROBE, ASKED_PUBLISH };

struct redis_asked {
    enum asked_kind kind;
    struct redis_sent *sent; /* the room whose doorbell it is, or NULL */
};

/* The helper that finds out where and as whom. */
struct redis_caller {
    struct redis_core *core;
    struct io_helper *helper;
    /* The helper's: the password that was asked for last, and for whom. */
    struct buf text;
    char user[128];
    uint64_t at_ms;
};

struct redis_link;

/* What a link tells its owner. */
struct redis_link_ops {
    /* Whom it calls next. */
    const struct redis_target *(*target)(struct redis_link *l);
    /* It has logged in: what else it is to be asked, by bus_redis_link_greet. */
    void (*greet)(struct redis_link *l);
    void (*up)(struct redis_link *l);
    /* It is closing, from that state. */
    void (*shut)(struct redis_link *l, enum link_state was);
    /* It failed, after shut. */
    void (*failed)(struct redis_link *l, enum link_state was, const char *why);
    /* It is down, and will try again. */
    void (*down)(struct redis_link *l);
    /* A reply: to what was asked; of a link that subscribes, any. NULL: none will come. */
    void (*answered)(struct redis_link *l, struct redis_asked asked,
                     const struct resp_reply *reply);
};

/* One connection.
 *
 *   DOWN --retry-->  CALLING  -> CONNECTING -> GREETING -> UP
 *    ^                 |             |            |         |
 *    +---- CLOSING <---+-------------+------------+---------+   nothing in flight any more */
struct redis_link {
    const struct redis_link_ops *ops;
    struct redis_core *core;
    struct redis_caller *caller;
    struct redis_shards *all;  /* its owner's */
    struct redis_shard *shard; /* NULL: it scouts */
    enum link_role role;
    enum link_state state;
    bool wanted;                       /* it is to be up */
    bool reuses;                       /* a password that was asked for lately */
    bool spare;                        /* why it failed is not told */
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

/* 0 or -errno. */
int bus_redis_link_caller(struct redis_caller *c, struct redis_core *core,
                          struct io_host *host) MUST_CHECK;
void bus_redis_link_no_caller(struct redis_caller *c);

/* The caller fills what is the owner's: ops, role, all, shard, reuses. */
void bus_redis_link_init(struct redis_link *l, struct redis_caller *caller);
void bus_redis_link_fini(struct redis_link *l);
/* It is to be up from now on, or to close for good. */
void bus_redis_link_want(struct redis_link *l, bool wanted);
void bus_redis_link_fail(struct redis_link *l, const char *why);
/* Its reply is an error: it fails with that. */
void bus_redis_link_refused(struct redis_link *l, const struct resp_reply *reply);
/* For links that are answered in order: what follows in the queue is a command of kind. */
void bus_redis_link_ask(struct redis_link *l, enum asked_kind kind, struct redis_sent *sent);
void bus_redis_link_say(struct redis_link *l, const struct str *words, unsigned n);
/* Says, and asks; the link is up when that was answered, too. */
void bus_redis_link_greet(struct redis_link *l, enum asked_kind kind, const struct str *words,
                          unsigned n);
void bus_redis_link_flush(struct redis_link *l);
/* Is the other end alive? From time to time. */
void bus_redis_link_mind(struct redis_link *l);

#endif
