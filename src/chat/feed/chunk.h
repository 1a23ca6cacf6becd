/* chunk.h: older entries of a room for followers that lag: aligned runs of 64,
 * read from the store once for everybody, kept in a bounded cache. Of a chunk whose
 * entries are too long for one read, a part is kept at a time: what the follower
 * that is furthest behind waits for. */
#ifndef CHAT_FEED_CHUNK_H
#define CHAT_FEED_CHUNK_H

#include "chat/feed/feed.h"
#include "chat/model/keys.h"

/* An entry as it is stored, and what it is encoded as so far. */
struct feed_slot {
    struct frame *entry;
    struct frame *encoded[FEED_ENCODINGS];
};

struct chunk {
    struct list node;    /* of its feed */
    struct list lru;     /* of the set's chunks, or of those waiting to be read */
    struct list waiting; /* followers */
    struct feed *feed;   /* NULL: it went while the chunk was being read */
    struct feed_set *set;
    uint64_t from;      /* 64k + 1 */
    uint64_t first;     /* of slots; `from`, unless the whole chunk is too long for one read */
    uint64_t expected;  /* the read gives what there is up to here, if its bytes suffice */
    unsigned n;         /* entries in slots */
    unsigned readers_n; /* followers that ever waited for it */
    bool ready, in_flight, stale;
    bool cut; /* one read does not give the whole of it */
    size_t bytes;
    struct store_read read;
    char room[KEYS_ROOM_MAX]; /* what `read` names: the feed may go before it is done */
    struct feed_slot slots[FEED_CHUNK];
};

/* The chunk with the entry seq, which exists; NULL: it is being read, and the
 * follower waits in it. */
struct chunk *chunk_get(struct feed *f, uint64_t seq, struct follower *waiter);

/* The entry was changed in the store: what is in memory of it goes. */
void chunk_forget(struct feed *f, uint64_t seq);

/* Any of the entries may have been. */
void chunk_forget_all(struct feed *f);

/* The feed goes. */
void chunk_drop_all(struct feed *f);

/* Keeps the cache within its budget, at the end of a turn: until then all who
 * waited for a chunk could take from it. */
void chunk_trim(struct feed_set *s);

/* The store could not be read; this is the next try. */
void chunk_retry(struct wheel_timer *t);

/* How much memory a frame takes; a slot's frames; frees them. */
size_t chunk_frame_size(const struct frame *f);
size_t chunk_slot_size(const struct feed_slot *slot);
void chunk_slot_free(struct feed_slot *slot);

#endif
