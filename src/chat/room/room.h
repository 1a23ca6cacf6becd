/* room.h: the state of a room at its owner: the worker that alone checks access to it,
 * hands its appends to the store, and tells the workers that have followers. The engine
 * that moves it is chat/room/owner.h.
 *
 *   absent --owner_run--> LOADING --log, record, replay--> READY --idle--> freed
 *
 *   call -> handler -> append_propose -> queue -> batch -> store -> appended
 *                                        ^        | conflict: read what was missed
 *                                        +--------+
 *
 * Each worker has a struct owner; everything here runs on the worker's loop. */
#ifndef CHAT_ROOM_ROOM_H
#define CHAT_ROOM_ROOM_H

#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/wheel.h"
#include "bus/bus.h"
#include "chat/model/access.h"
#include "chat/model/alarm.h"
#include "chat/model/gone.h"
#include "chat/model/news.h"
#include "chat/room/call.h"
#include "chat/room/tail.h"
#include "store/store.h"

struct audit;
struct audit_wait;
struct owner;
struct batch;
struct load;
struct presence;
struct room;
struct filter;
struct hook;
struct hooked;
struct screen;
struct slow;
struct turn;

/* What the owner asks of the worker around it. Arguments are lent. */
struct owner_ops {
    void (*publish)(struct owner *o, uint64_t workers, const struct news *news);
    /* Casts the event to the room's followers, but for one person's; of @<id> to all
     * connections of that person. */
    void (*cast)(struct owner *o, uint64_t workers, struct str room, struct str event,
                 uint64_t not_user);
    /* Runs call, which needs no connection, at the room's owner; then call->returned here. */
    void (*route)(struct owner *o, struct call *call, struct str room);
    /* Returns the turn's Unix time, of the store's clock. */
    uint64_t (*wall_ms)(struct owner *o);
    /* Returns a number that nobody can predict, for ids of sessions. */
    uint64_t (*random)(struct owner *o);
    /* Ends the session: every connection of it is closed, on every node. */
    void (*revoke)(struct owner *o, uint64_t session, uint64_t expires_ms);
    /* Raises an alarm, which makes the node degraded: the log says it, a metric counts it. */
    void (*alarm)(struct owner *o, enum alarm id, struct str detail);
    /* Takes a span that is complete but for its ids, which it gets, below a sampled parent. */
    void (*span)(struct owner *o, const struct trace *parent, struct trace_span *span);
    /* Tells that the store says that the room's log ends at `found`, and once gave or took the log
     * up to `known`: the store is another, or an older copy. */
    void (*behind)(struct owner *o, struct str room, uint64_t known, uint64_t found);
};

struct owner_limits {
    uint64_t rooms_per_user; /* 0: none */
    size_t history_max;
    unsigned search_max; /* entries looked through for a cid */
    unsigned batch_max;  /* entries that one append carries; 0: as many as it may */
    uint64_t retain_age_ms, retain_count; /* of messages; 0: all are kept */
    uint64_t read_every_ms, read_told_ms; /* a position is stored, told, at most this often */
    uint64_t roster_max, presence_list_ms, presence_count_ms, presence_leave_ms;
    unsigned idle_max; /* rooms kept in memory that nobody uses */
};

struct owner_stats {
    uint64_t rooms, appends, entries, duplicates, conflicts, loads;
};

/* What the engine above a room (chat/room/owner.h) does for what is below it. */
struct room_engine {
    /* Runs the call's handler (again); the room is loaded. */
    void (*run)(struct room *r, struct call *call);
    /* Runs or fails, by how loading or looking ended, the calls that waited for it. */
    void (*loaded)(struct room *r, enum store_result result);
    void (*looked)(struct room *r, enum store_result result);
    /* Fails the calls that wait for their turn to append. */
    void (*fail_queue)(struct room *r, enum store_result result);
    /* Begins what is long and due, or goes on with it: an own append has landed, or the store may
     * answer again (chat/room/again.h). */
    void (*go_on)(struct room *r);
    /* The entry has landed and was taken in. */
    void (*took)(struct room *r, const struct entry *e);
    /* Frees what other modules keep of the room, which is about to be freed. */
    void (*fini)(struct room *r);
};

/* Each connection's order (chat/room/order.h): calls by their rooms and sources; each map has at
 * most one call of a room and a source. The maps are the owner's: most rooms have no such call. */
struct order {
    struct map preparing, parked;
};

struct owner {
    const struct owner_ops *ops;
    const struct room_engine *engine; /* set by owner_init */
    struct store *store;
    struct bus *bus;
    struct io *home;
    struct wheel *wheel;
    struct owner_limits limits;
    uint64_t epoch_shift; /* of the store: see room_epoch */
    uint8_t hash_key[16];
    struct rng rng;
    struct map rooms;
    struct list idle; /* rooms that nobody uses, least recently used first */
    unsigned idle_n;
    struct list dirty;     /* rooms with proposals to put */
    struct order order;    /* of each connection's commands */
    struct hook *hook;     /* asked about messages (chat/model/hook.h); NULL: nobody is */
    struct screen *screen; /* chat/room/screen.h; NULL: nothing was written yet */
    struct pool positions; /* chat/room/reads.h */
    unsigned reads_n;      /* read positions on their way to the store */
    bool settles;          /* what is long ends after its step, and begins no more */
    unsigned errands_n;    /* calls of its own on their way to other rooms */
    uint64_t doubt_ms;     /* until then a write of our own, or of the process before, may land */
    struct owner_stats stats;
};

/* The turn's monotonic time. */
static inline uint64_t owner_now_ms(struct owner *o)
{
    return io_now_ms(o->home);
}

/* The monotonic time right now: for measurements only. */
static inline uint64_t owner_clock_us(struct owner *o)
{
    return io_clock_us(o->home);
}

static inline uint64_t owner_wall_ms(struct owner *o)
{
    return o->ops->wall_ms(o);
}

/* The lists that a direct room is on (chat/room/direct.h). */
struct direct {
    bool listed;                /* on all of them, as it was known at at_ms */
    bool looking;               /* nothing is appended meanwhile */
    bool left;                  /* somebody left since the look began */
    bool back[GROUP_MAX];       /* of access_people: it was off their list, they are to be told */
    uint64_t at_ms;             /* monotonic */
    bool blocks_known, blocked; /* whether one of the two blocks the other, as of blocks_ms */
    uint64_t blocks_ms;
};

enum room_state {
    ROOM_LOADING,
    ROOM_READY,
};

struct room {
    struct map_node node;
    struct owner *owner;
    struct list idle_node, dirty_node;
    enum room_state state;
    unsigned uses;                             /* calls in hand, requests in flight */
    uint64_t epoch, first, head, count, ts_ms; /* first: nothing before it is shown any more */
    uint64_t kept;                             /* the store has the log from here on */
    uint64_t followers;                        /* bit per worker */
    uint64_t at;                               /* what the stored record reflects */
    uint64_t listed; /* hash of what the directory has of it; 0: not known */
    uint64_t listed_count;
    bool saving, catching, loading;
    bool save_again;                   /* what is being saved is not all any more */
    bool wiping;                       /* chat/room/wipe.h */
    bool purging;                      /* chat/room/purge.h */
    bool retaining;                    /* chat/room/retain.h */
    uint64_t retain_ms, retain_age_ms; /* when it is looked at what is too old, monotonic; for which
                                          age */
    bool again;                        /* something long was left (chat/room/again.h) */
    unsigned again_ms;                 /* how long the next try waits; 0: none has failed lately */
    struct wheel_timer again_timer;
    bool unlisted;    /* the directory may lack what was read of it */
    bool unsure;      /* a write's outcome is not known: look before the next one */
    bool look;        /* there may be more than what is being read or put */
    uint64_t rung;    /* the largest seq that a doorbell told of */
    uint64_t late;    /* the largest since the look that is under way began */
    uint64_t stored;  /* the store has the log up to here: it was read, or appended here */
    uint64_t heard;   /* the last entry that only a doorbell has brought; 0: none */
    unsigned foreign; /* how often entries of other nodes were taken in */
    struct access access;
    struct gone gone; /* what was deleted */
    struct tail tail;
    struct call *looking;                /* for the look that is under way */
    struct call *waiting, **waiting_end; /* for the next one, or that it is loaded */
    struct call *queue, **queue_end;     /* for their turn to append */
    unsigned queue_n;
    struct hooked *hooked, **hooked_end; /* the line of chat/room/hooked.h */
    unsigned line_n, asked_n;            /* in it; of them asked about now */
    bool releasing;
    struct call *changing, **changing_end; /* changes of messages, one at a time */
    bool change_busy, change_starts;
    struct batch *batch;           /* being formed, or in flight */
    struct turn *turn;             /* with other nodes that append, too; NULL: none did */
    struct direct direct;          /* whose lists it is on */
    struct load *load;             /* chat/room/load.h, while it reads; else NULL */
    uint64_t replay;               /* next seq to read while loading or catching up */
    struct map reads;              /* read positions not yet stored (chat/room/reads.h) */
    struct wheel_timer look_timer; /* when it looks again for a write that failed */
    unsigned look_ms;              /* and how long it waits; 0: for none */
    uint64_t late_head;            /* the head that this write was to follow */
    struct wheel_timer reads_timer;
    uint64_t reads_due_ms; /* when positions are stored next; 0: all are */
    struct slow *slow;     /* chat/room/slow.h; NULL: nobody was ever slowed */
    struct filter *filter; /* of its settings, if `screened` (chat/room/screen.h); or NULL */
    bool screened;
    bool screening;                 /* it waits for the server's list */
    struct audit *audit;            /* chat/room/audit.h, while acts are copied; else NULL */
    struct audit_wait *audit_waits; /* for the next run */
    uint64_t audited;               /* up to this seq the acts are in the log of moderators */
    uint64_t untold;                /* the act that could not be told whom it concerns */
    struct presence *presence;      /* NULL until somebody asks or follows */
    uint8_t id_n;
    char id[];
};

static inline struct str room_id(const struct room *r)
{
    return (struct str){(const uint8_t *)r->id, r->id_n};
}

/* The epoch that clients and other nodes are told, of one that the store keeps; and back. A store
 * that was adopted (admin/store_adopt.h) has another shift, and so its rooms have other epochs.
 * 0, no epoch, stays 0. */
static inline uint64_t room_epoch(const struct owner *o, uint64_t kept)
{
    return kept == 0 ? 0 : 1 + (kept - 1 + o->epoch_shift) % (uint64_t)JSON_INT_MAX;
}

static inline uint64_t room_epoch_kept(const struct owner *o, uint64_t told)
{
    uint64_t max = (uint64_t)JSON_INT_MAX;

    return told == 0 ? 0 : 1 + (told - 1 + max - o->epoch_shift % max) % max;
}

static inline bool room_exists(const struct room *r)
{
    return r->head > 0;
}

/* Returns ERROR_NONE if there is the room and they may read it, or why not. */
enum error_code room_readable(struct room *r, const struct caller *who);

/* Returns true if there is the room and the caller may write in it; else the call has failed. */
bool room_writable(struct room *r, struct call *call) MUST_CHECK;

/* Sets the room's count and time to what the entry says that they are, with itself; a lost entry
 * leaves the count. */
void room_note(struct room *r, const struct entry *e);

/* The settings may have moved `first`. */
void room_first(struct room *r);

/* Raises the alarm if entries were found to be lost. */
struct lost;
void room_lost(struct room *r, const struct lost *lost);

/* Takes in the entry at head + 1, which is durable, and stored as bytes: what the room knows
 * changes, and *ret_news is what room_publish tells. cid and content are hashes, 0 where there
 * is no cid. */
void room_apply(struct room *r, struct str bytes, const struct entry *e, uint64_t cid,
                uint64_t content, struct news_entry *ret_news);

/* Tells the workers with followers, if there is any news. Frees the entries' frames. */
void room_publish(struct room *r, const struct news *news);

/* Return the hashes of a cid, and of an entry's (text, reply_to), for room_apply; 0 if what
 * was sent is gone: the message was deleted, or changed on its way. */
uint64_t room_hash(const struct room *r, struct str s);
uint64_t room_hash_content(const struct room *r, const struct entry *e);

/* Returns the room that is in memory, or NULL. Makes a new one. Frees one that nobody uses. */
struct room *room_find(struct owner *o, struct str id);
struct room *room_new(struct owner *o, struct str id);
void room_free(struct room *r);

/* Keeps the room in memory while something of it is in flight. */
void room_hold(struct room *r);
void room_release(struct room *r);

/* Begins a look, for the calls that wait by now. */
void room_looks(struct room *r);

/* Marks the room as having proposals: append_pump runs at the end of the turn. */
void room_mark(struct room *r);

/* Returns how many messages somebody has not read who has read up to seq and count: an upper
 * bound, O(1). */
uint64_t room_unread(const struct room *r, uint64_t seq, uint64_t count);

/* Appends "room": {...} to the answer; the members of that object, `whole` with the description;
 * its "head". */
void room_describe(const struct room *r, struct json_out *o);
void room_describe_members(const struct room *r, bool whole, struct json_out *o);
void room_describe_head(const struct room *r, struct json_out *o);

/* Stores the record that is derived from the log (who may read, what was deleted), if it lags
 * far enough behind, or if force. Nobody waits for the record: a lost one is made up for by
 * replaying more entries.
 *
 *   all since the last record read or appended here --> what is in memory --> put
 *   some of it only heard by a doorbell --> the record and the entries behind it are read
 *                                           from the store --> put
 *
 * So nothing that only the bus has said outlives the process. room_save_last stores it
 * before the process ends, unless something would have to be read for it. */
void room_save(struct room *r, bool force);
void room_save_last(struct room *r);

#endif
