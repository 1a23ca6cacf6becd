/* room.h: a room at its owner: the worker that alone checks access to it, hands
 * its appends to the store, and tells the workers that have followers.
 *
 *   absent --room_run--> LOADING --log, record, replay--> READY --idle--> freed
 *
 *   call -> handler -> room_propose -> queue -> batch -> store -> appended
 *                                        ^        | conflict: read what was missed
 *                                        +--------+
 *
 * One struct owner per worker; everything here runs on its loop. */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/wheel.h"
#include "bus/bus.h"
#include "chat/access.h"
#include "chat/call.h"
#include "chat/tail.h"
#include "chat/turn.h"
#include "store/store.h"

/* Room for the pk of a room's records. */
#define ROOM_KEY_MAX 80

struct owner;
struct batch;
struct load;
struct presence;

/* One new entry, as followers' workers are told of it. */
struct news_entry {
    struct frame *event;   /* this reference and the next go with the news */
    struct frame *redacts; /* further seqs that it blanked, as varints; NULL: none */
    uint64_t target;       /* ENTRY_DELETE: what it blanked; ENTRY_MEMBER: the person */
    uint8_t kind;
    bool lost; /* ENTRY_MEMBER: the person may no longer read */
};

/* Entries first .. first+n-1 of a room, in order. */
struct news {
    struct str room;
    uint64_t first;
    unsigned n;
    const struct news_entry *entries;
    uint64_t began_us; /* when they were handed to the store; 0: not by this owner */
};

/* What the owner asks of the worker around it. Strings and entries are lent;
 * the frames' references are taken. */
struct owner_ops {
    void (*publish)(struct owner *o, uint64_t workers, const struct news *news);
    /* To the room's followers, but for one person's; of @<id>: to all of that person's. */
    void (*cast)(struct owner *o, uint64_t workers, struct str room, struct str event,
                 uint64_t not_user);
    /* Runs call, which needs no connection, at the room's owner; then
     * call->returned, here. */
    void (*route)(struct owner *o, struct call *call, struct str room);
    /* The turn's time: monotonic, and Unix. */
    uint64_t (*now_ms)(struct owner *o);
    uint64_t (*wall_ms)(struct owner *o);
    /* Monotonic, right now: for measurements only. */
    uint64_t (*clock_us)(struct owner *o);
    /* Unpredictable: ids of sessions. */
    uint64_t (*random)(struct owner *o);
    /* The session has ended: every connection of it is closed, on every node. */
    void (*revoke)(struct owner *o, uint64_t session, uint64_t expires_ms);
};

struct owner_limits {
    uint64_t rooms_per_user; /* 0: none */
    size_t history_max;
    unsigned search_max; /* entries looked through for a cid */
    uint64_t read_every_ms;
    uint64_t roster_max, presence_list_ms, presence_count_ms, presence_leave_ms;
    unsigned idle_max; /* rooms kept in memory that nobody uses */
};

struct owner_stats {
    uint64_t rooms, appends, entries, duplicates, conflicts, loads;
};

struct owner {
    const struct owner_ops *ops;
    struct store *store;
    struct bus *bus;
    struct io *home;
    struct wheel *wheel;
    struct owner_limits limits;
    uint8_t hash_key[16];
    struct rng rng;
    struct map rooms;
    struct list idle; /* rooms that nobody uses, least recently used first */
    unsigned idle_n;
    struct list dirty;     /* rooms with proposals to put */
    struct pool positions; /* chat/reads.h */
    unsigned reads_n;      /* read positions on their way to the store */
    unsigned errands_n;    /* calls of its own on their way to other rooms */
    struct owner_stats stats;
};

static inline uint64_t owner_now_ms(struct owner *o)
{
    return o->ops->now_ms(o);
}

static inline uint64_t owner_wall_ms(struct owner *o)
{
    return o->ops->wall_ms(o);
}

enum room_state {
    ROOM_LOADING,
    ROOM_READY,
};

struct room {
    struct map_node node;
    struct owner *owner;
    struct list idle_node, dirty_node;
    enum room_state state;
    unsigned uses; /* calls in hand, requests in flight */
    uint64_t epoch, first, head, count, ts_ms;
    uint64_t followers; /* bit per worker */
    uint64_t at;        /* what the stored record reflects */
    bool saving, catching, loading;
    bool unsure;      /* a write's outcome is not known: look before the next one */
    bool look;        /* there may be more than what is being read or put */
    uint64_t rung;    /* the largest seq that a doorbell told of */
    unsigned foreign; /* how often entries of other nodes were taken in */
    struct access access;
    struct tail tail;
    struct call *looking;                /* for the look that is under way */
    struct call *waiting, **waiting_end; /* for the next one, or that it is loaded */
    struct call *queue, **queue_end;     /* for their turn to append */
    unsigned queue_n;
    struct call *changing, **changing_end; /* changes of messages, one at a time */
    bool change_busy, change_starts;
    struct batch *batch;           /* being formed, or in flight */
    struct turn turn;              /* with other nodes that append, too */
    struct load *load;             /* chat/load.h, while it reads; else NULL */
    uint64_t replay;               /* next seq to read while loading or catching up */
    struct map reads;              /* read positions not yet stored (chat/reads.h) */
    struct wheel_timer look_timer; /* when it looks again for a write that failed */
    unsigned look_ms;              /* and how long it waits; 0: for none */
    uint64_t late_head;            /* the head that this write was to follow */
    struct wheel_timer reads_timer;
    struct presence *presence; /* NULL until somebody asks or follows */
    uint8_t id_n;
    char id[];
};

/* Zeroes and sets up; the caller fills store, bus, home, wheel, ops, limits,
 * hash_key before. */
void room_owner_init(struct owner *o, uint64_t seed);

/* Everything must have ended. */
void room_owner_fini(struct owner *o);

/* Puts what was proposed in this turn. Once, at the end of every turn. */
void room_owner_flush(struct owner *o);

/* Before the end: what is only in memory goes to the store. busy: something is
 * still on its way. */
void room_owner_settle(struct owner *o);
bool room_owner_busy(const struct owner *o);

/* Runs call->handler, or the command's, on the room, once it is loaded. */
void room_run(struct owner *o, struct str id, struct call *call);

/* A worker's last follower of the room went. */
void room_unfollow(struct owner *o, struct str id, unsigned worker);

/* Who of the worker's followers is in the room now (chat/presence.h). */
struct presence_person;
void room_present(struct owner *o, struct str id, unsigned worker, unsigned n,
                  const struct presence_person *people);

/* Doorbells: another node wrote. */
void room_heard(struct owner *o, const struct bus_event *event);

static inline struct str room_id(const struct room *r)
{
    return (struct str){(const uint8_t *)r->id, r->id_n};
}

static inline bool room_exists(const struct room *r)
{
    return r->head > 0;
}

/* May they read the room, and is there one? ERROR_NONE, or why not. */
enum error_code room_readable(struct room *r, const struct caller *who);

/* Takes in the entry at head + 1, which is durable: what the room knows
 * changes, and *ret_news tells followers of it. cid and content are hashes, 0
 * where there is no cid. */
void room_apply(struct room *r, const struct entry *e, uint64_t cid, uint64_t content,
                struct news_entry *ret_news);

/* Hashes of (cid) and of (text, reply_to) for room_apply; 0 if the text is gone:
 * the message was deleted. */
uint64_t room_hash(const struct room *r, struct str s);
uint64_t room_hash_content(const struct room *r, const struct entry *e);

/* Keeps the room in memory while something of it is in flight. */
void room_hold(struct room *r);
void room_release(struct room *r);

/* Looks what other nodes have appended, then runs the call's handler (again). */
void room_look(struct room *r, struct call *call);

/* Was the caller told of seq by a node that knows more than this one? Then true:
 * looks, and runs the call's handler again. Once for each call. */
bool room_is_ahead(struct room *r, struct call *call, uint64_t seq) MUST_CHECK;

/* Would a node that knows more answer otherwise than with this error? Then true:
 * looks, and runs the call's handler again. Once for each call. */
bool room_doubts(struct room *r, struct call *call, enum error_code code) MUST_CHECK;

/* A look begins: it is for those who wait by now. */
void room_looks(struct room *r);

/* What looking came to (chat/load.h): runs or fails the calls that it was for. */
void room_looked(struct room *r, enum store_result result);

/* What loading came to (chat/load.h): runs or fails the calls that waited. */
void room_loaded(struct room *r, enum store_result result);

/* There are proposals: append_pump at the end of the turn. */
void room_mark(struct room *r);

/* A worker has followers from now on. */
void room_follow(struct room *r, unsigned worker);

/* Appends "room": {...} to the answer; the members of that object; its "head". */
void room_describe(const struct room *r, struct json_out *o);
void room_describe_members(const struct room *r, struct json_out *o);
void room_describe_head(const struct room *r, struct json_out *o);

/* The pk of the room's records, written to buf. */
struct str room_key(const struct room *r, char buf[static ROOM_KEY_MAX]);

/* Stores the derived record if it lags far enough behind, or if force. */
void room_save(struct room *r, bool force);

#endif
