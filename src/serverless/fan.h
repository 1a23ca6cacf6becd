/* fan.h: sends entries of a log to the followers of a shard, each follower's in order,
 * FAN_SLOTS POSTs in flight. Who knows arrays gets as many entries in one frame as fit; the
 * others get a frame for each.
 *
 *   followers ──▶ slot ──POST──▶ 200 next entries, then the next follower
 *                  ▲ │           410 (400: no such id) the follower's row goes, then `c:`
 *                  └─┘           429 waits, keeps; 413 fewer entries, in the end without that one
 *               after a while    403 everything stops
 *                                else, no answer too: again, FAN_TRIES_MAX times, then a gap
 *
 * What was sent twice the client knows by its seq; a gap it sees, and joins after its cursor. A
 * row is removed only as it was read: who has joined again meanwhile keeps it. */
#ifndef SERVERLESS_FAN_H
#define SERVERLESS_FAN_H

#include "base/wheel.h"
#include "serverless/poster.h"
#include "serverless/rows.h"
#include "store/store.h"

enum { FAN_SLOTS = 64, FAN_TRIES_MAX = 3, FAN_FRAME_MAX = 32 * 1024 };

struct fan;
struct fan_slot;

/* One event; its text is at `at` of fan->text, with a comma behind it. */
struct fan_entry {
    uint64_t seq;
    size_t at, n;
    struct frame *array; /* the array that begins here, made when first needed */
    unsigned array_n;    /* how many entries are in it */
};

/* A follower; strings are borrowed. */
struct fan_to {
    struct str id;
    uint64_t rev;
    struct rows_follower row;
    uint64_t end;  /* access ends with this entry, which is the last to be sent; 0: it does not */
    uint64_t from; /* not to be sent what is before this entry; UINT64_MAX: nothing */
    bool stays;    /* its row does, at `end` */
    bool gone;     /* its row was removed, or written by somebody else */
};

/* What became of POSTs and followers. */
struct fan_counts {
    uint64_t posts, sent, throttled, split, too_big, unanswered, gaps, gone, ended, expired;
};

typedef void fan_done_f(struct fan *f);

/* Embedded in the caller's object, who sets what stands before `done`, and it. */
struct fan {
    struct store *store;
    struct io *home;
    struct wheel *wheel;
    struct poster *poster;
    struct str pk;     /* of the followers' rows */
    uint64_t until_ms; /* of home's clock: nothing is sent from then on */
    struct fan_to *to; /* kept from run to run */
    unsigned to_n;
    struct fan_entry *entries; /* in order of seq; at least one; kept while it runs */
    unsigned entries_n;
    struct str text;
    fan_done_f *done;

    struct fan_counts counts; /* they add up from run to run */
    bool whole;               /* the last run: everybody was sent everything, but for gaps */
    bool forbidden;           /* 403: signature, right, or address is wrong */
    bool canceled;            /* the store was closed */
    /* Private. */
    struct fan_slot *slots;
    unsigned busy_n, next;
    bool stopped;
};

void fan_init(struct fan *f);

/* Not while it runs. */
void fan_fini(struct fan *f);

/* Sends the entries to the followers; then done, never inside this call. */
void fan_start(struct fan *f);

/* Sends nothing more: done follows once nothing is under way. Harmless when it does not run. */
void fan_stop(struct fan *f);

#endif
