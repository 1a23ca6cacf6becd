/* feed.h: a room as one worker's followers see it: its newest entries, and the
 * cursors behind them. The one loop that delivers (design: section 1) takes from
 * here: what is next for this cursor, as one run of bytes that all followers at
 * the same cursor share.
 *
 *   owner --news--> ring [first .. head]          newest entries, one budget for all
 *                   chunk [64k+1 .. 64k+64]       older ones, read from the store once
 *                     ^ cursor                    for everybody who comes by
 *
 * A worker follows a room while a feed of it is held. Entries come from the owner
 * in order; the first answer to a join says where they begin. */
#ifndef CHAT_FEED_FEED_H
#define CHAT_FEED_FEED_H

#include "base/buf.h"
#include "base/frame.h"
#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "chat/model/news.h"
#include "store/store.h"

#define FEED_CHUNK 64
#define FEED_RUNS 8

enum feed_encoding {
#define ENCODING(id, function, doors) FEED_##id,
#include "chat/feed/encoding.tbl"
#undef ENCODING
    FEED_ENCODINGS
};

struct feed;
struct feed_set;
struct follower;
struct lost;

/* An entry that goes out: its event (chat/model/event.h). Lent. */
struct feed_event {
    const struct feed *feed;
    uint64_t seq;
    struct str json;
};

/* Returns the event in an encoding: a reference for the caller. */
typedef struct frame *feed_encode_f(const struct feed_event *e);

/* What the worker around it does. */
struct feed_ops {
    feed_encode_f *encode[FEED_ENCODINGS];
    /* There is something for the follower: feed_take will say what. */
    void (*wake)(struct follower *f);
    /* Returns true if the follower is this person, and bound by the room's access. */
    bool (*is_person)(const struct follower *f, uint64_t user);
    /* Entries were found to be lost. */
    void (*lost)(struct feed_set *s, struct str room, const struct lost *lost);
};

/* A run being shared in this turn. */
struct feed_run {
    const struct feed *feed;
    uint64_t from, to;
    unsigned encoding;
    struct frame *bytes;
};

struct feed_set {
    const struct feed_ops *ops;
    struct store *store;
    struct io *home;
    uint8_t hash_key[16];
    struct wheel *wheel;              /* of the feeds' timers */
    size_t ring_budget, chunk_budget; /* bytes; 0: none */
    size_t ring_bytes, chunk_bytes;
    struct map feeds;
    struct list rings;        /* feeds with entries in memory, least recently used first */
    struct list chunks;       /* chunks that are read, least recently used first */
    struct list reading;      /* chunks that wait to be read */
    unsigned reads_n;         /* in flight */
    struct wheel_timer retry; /* armed: no reads until then, one failed */
    struct feed_run runs[FEED_RUNS];
    unsigned run_next;
    struct buf json;              /* the event of json_seq of json_feed, */
    const struct feed *json_feed; /* in this turn; NULL: of no entry that is still as it was */
    uint64_t json_seq;
    uint64_t chunk_reads, chunk_hits; /* statistics */
};

struct feed {
    struct map_node node;
    struct feed_set *set;
    struct list followers, ring_node, chunks;
    unsigned followers_n, holds;
    bool live; /* epoch and head are known */
    uint64_t epoch, head;
    struct feed_slot *slots; /* of seq & (cap - 1), first .. head */
    unsigned cap;
    uint64_t first;
    struct wheel_timer timer; /* the worker's: presence, due when it has been quiet */
    uint64_t changed_ms;      /* since when presence waits to be told; 0: it does not */
    uint8_t id_n;
    char id[];
};

/* A cursor, embedded in what the worker keeps of it. */
struct follower {
    struct feed *feed;
    struct list node;  /* of the feed */
    struct list work;  /* the connection's list of what is behind, or a chunk's of
                          who waits for it */
    uint64_t cursor;   /* shown up to here */
    uint64_t end : 62; /* access ends with this entry; 0: it does not */
    bool shut : 1;     /* takes nothing yet */
    bool pulls : 1;    /* what it takes was there when it asked, or came before it had that */
};

/* The caller fills ops, store, home, hash_key and the budgets before. */
void feed_set_init(struct feed_set *s);
void feed_set_fini(struct feed_set *s);

/* The feed of a room, made if there is none, or NULL. */
struct feed *feed_get(struct feed_set *s, struct str room);
struct feed *feed_make(struct feed_set *s, struct str room);

static inline struct str feed_room(const struct feed *f)
{
    return (struct str){(const uint8_t *)f->id, f->id_n};
}

/* While a join is under way the feed must not go. release: true if nothing holds
 * or follows the feed any more, which is then freed: the owner is to be told. */
void feed_hold(struct feed *f);
bool feed_release(struct feed *f) MUST_CHECK;

/* Where the entries begin: the owner's answer to the first join. */
void feed_start(struct feed *f, uint64_t epoch, uint64_t head);

/* Adds a follower that was shown all up to cursor. */
void feed_follow(struct feed *f, struct follower *follower, uint64_t cursor);

/* Between the two the follower keeps its place, and learns when access ends, but
 * is given nothing: its client does not know yet that it follows. */
void feed_shut(struct follower *follower);
void feed_open(struct follower *follower);

/* Takes it away; feed_release semantics. The feed may be gone then. */
bool feed_unfollow(struct follower *follower) MUST_CHECK;

/* New entries. Unknown rooms are ignored. */
void feed_news(struct feed_set *s, const struct news *news);

enum feed_taken {
    FEED_NOTHING, /* up to date */
    FEED_RUN,
    FEED_WAIT, /* it is being read; wake says when */
    FEED_END,  /* the follower may see no more: to be unfollowed */
};

/* The next bytes for a follower, about bytes_max of them, or (0) one entry alone: with
 * FEED_RUN a frame, whose reference is the caller's, of the entries that the cursor is moved
 * over. */
enum feed_taken feed_take(struct follower *f, unsigned encoding, size_t bytes_max,
                          struct frame **ret_bytes) MUST_CHECK;

/* Returns true if there is something to take. */
static inline bool feed_behind(const struct follower *f)
{
    return f->cursor < f->feed->head || f->end > 0;
}

/* At the end of a turn: runs are shared no longer, budgets are kept. */
void feed_end_turn(struct feed_set *s);

#endif
