/* feed_rig.h: a set of feeds (chat/feed/feed.h) with a store and a loop of the test's
 * own: a log that the test writes, reads that are answered when it says so, and
 * followers that remember what they were shown. */
#ifndef LIB_FEED_RIG_H
#define LIB_FEED_RIG_H

#include "base/wheel.h"
#include "chat/feed/chunk.h"
#include "chat/feed/feed.h"
#include "lib/check.h"

#define FEED_RIG_LOG 4096
#define FEED_RIG_READS 64

/* One entry of the log. Its text is "text-<seq>." until it is blanked. */
struct feed_rig_entry {
    uint8_t kind; /* enum entry_kind */
    bool blank;
    uint64_t target, user;
};

/* A read that waits for its answer. */
struct feed_rig_read {
    struct store_read *req;
    struct frame *block; /* what the log held when it was asked for */
};

struct feed_rig {
    struct store store;
    struct io io;
    struct wheel wheel;
    struct feed_set set;
    const char *room;
    struct feed_rig_entry log[FEED_RIG_LOG + 1]; /* of seq */
    uint64_t head;
    struct feed_rig_read reads[FEED_RIG_READS];
    unsigned reads_n;
    uint64_t reads_all; /* ever */
    unsigned lost_n;
    unsigned fit;     /* so many entries are all that one read's bytes suffice for; 0: any number */
    uint64_t encoded; /* calls of encode */
};

/* A follower and what it was shown. */
struct feed_rig_follower {
    struct follower f;
    struct feed_rig *rig;
    uint64_t user;
    uint64_t shown; /* the last seq */
    bool texts[FEED_RIG_LOG + 1];
    bool woken; /* since feed_rig_take */
    bool ended;
};

void feed_rig_init(struct feed_rig *r, size_t ring_budget, size_t chunk_budget);
void feed_rig_fini(struct feed_rig *r);

/* n messages behind the log's head; news of them if `told`. */
void feed_rig_append(struct feed_rig *r, unsigned n, bool told);

/* An edit of the message target. */
void feed_rig_edit(struct feed_rig *r, uint64_t target);

/* The message target is deleted: it and its edits are blanked, and one more entry. */
void feed_rig_delete(struct feed_rig *r, uint64_t target);

/* The person may read up to this entry. */
void feed_rig_remove(struct feed_rig *r, uint64_t user);

/* Follows, the feed started at the log's head if it was not. */
void feed_rig_follow(struct feed_rig *r, struct feed_rig_follower *f, uint64_t cursor);

/* Takes the feed's follower away; whether the feed went with it. */
bool feed_rig_unfollow(struct feed_rig_follower *f);

/* Takes once; checks that what comes follows what came, each seq once. */
enum feed_taken feed_rig_take(struct feed_rig_follower *f, unsigned encoding, size_t bytes_max);

/* Takes and answers reads until there is nothing more. */
void feed_rig_drain(struct feed_rig_follower *f);

/* Answers the read i of those that wait. */
void feed_rig_answer(struct feed_rig *r, unsigned i, enum store_result result);

#endif
