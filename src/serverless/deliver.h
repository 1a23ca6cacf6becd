/* deliver.h: sends a shard's followers what is new in the log of their room. Whoever has
 * committed an entry calls it, for each shard of the room; it may be repeated at any time, and by
 * several at once.
 *
 *   LOOK ─▶ TAKE ─▶ LIST ─▶ READ ─▶ (ACCESS) ─▶ SEND ─▶ GIVE ─▶ AGAIN ─▶ over
 *    │       ▲               ▲                    │               │
 *    │       │               └── more entries ────┘               │
 *    │       └────────────────── the head has moved ──────────────┘
 *    └─▶ over: the lease is another's, or all was sent
 *
 *  1. TAKE: the lease, for 10 s and renewed, and run_to := head, in one write;
 *  2. LIST: *then* the followers, consistently;
 *  3. READ, SEND: the entries (fanned, run_to], 64 POSTs in flight;
 *  4. GIVE: fanned := run_to, and the lease is given back, in one write;
 *  5. AGAIN: *then* the head is read; if it has moved, on from 1. Not if the lease was stolen:
 *     then that is the thief's.
 *
 * Nothing is lost to a follower whose row was there (serverless/join.h puts it first and reads the
 * log then): who finds the lease taken may leave, since the one that has it looks at the head
 * behind giving it back. What a crash, a stolen lease or a lost answer leaves is a repeat, which
 * the client drops by its seq, or a gap, behind which it joins after its cursor. What a crash
 * leaves unsent is sent by the next Deliver, behind the lease's end; and there is one: whoever
 * crashed had been asked by a client, who repeats what was not answered. A repeat delivers up to
 * the head, since others may have relied on the lease of who crashed; if the lease is another's
 * and not all was sent (ret_head), it is to be repeated once more, in ret_lease_ms. So does who
 * calls again what did not come to its end (MORE, FAILED), whose lease may stand there still: all
 * up to ret_run_to, or beyond.
 *
 * A follower whose person may read no more is sent all up to the entry that says so (or that entry
 * alone, where nobody can tell since when; the client sees the gap), and its row is removed before
 * `fanned` moves past that. A row that is put while such an entry is on its way is found by its
 * `since`, which is before the shard's `access`: then ACCESS asks who may read, as it does until
 * those who follow have come back (a resume puts the row anew).
 *
 * On one loop, whose wheel the caller advances. */
#ifndef SERVERLESS_DELIVER_H
#define SERVERLESS_DELIVER_H

#include "serverless/fan.h"

/* Entries that one turn of READ and SEND takes; their bytes, about. */
enum { DELIVER_ENTRIES_MAX = 256, DELIVER_BYTES_MAX = 256 * 1024 };
/* Of a shard that is further behind only so many are sent: clients see the gap. */
#define DELIVER_BEHIND_MAX 1000

enum deliver_result {
    DELIVER_OK,        /* all up to ret_head was sent */
    DELIVER_NOBODY,    /* the shard has no row */
    DELIVER_TAKEN,     /* another is at it */
    DELIVER_MORE,      /* the time is up and there is more to send: to be called again, soon */
    DELIVER_FORBIDDEN, /* @connections said 403: a mistake in configuration, to be said loudly */
    DELIVER_FAILED,    /* the store fails: to be called again */
};

/* Mistakes that a test plants, to see that it would find them. */
enum deliver_mistake {
    DELIVER_RIGHT,
    DELIVER_LOOKS_FIRST, /* AGAIN before GIVE */
};

struct deliver;
struct deliver_run;
typedef void deliver_done_f(struct deliver *d);

/* The caller sets what stands before `run`, and keeps it until done was called. */
struct deliver {
    struct store *store;
    struct io *home;
    struct wheel *wheel;
    struct poster *poster;
    struct str room;
    uint32_t shard;
    uint64_t head;      /* the room's, as the caller knows it from its commit; 0: it is read */
    struct frame *last; /* the bytes of the entry at head; NULL: they are read if need be */
    uint64_t until_ms;  /* of home's clock: nothing is sent from then on */
    enum deliver_mistake mistake;
    deliver_done_f *done; /* exactly once, never inside deliver_start */

    struct deliver_run *run;
    enum deliver_result ret_result;
    uint64_t ret_head;     /* up to where the shard was sent the log */
    uint64_t ret_run_to;   /* up to where this was to send it, as far as is known */
    uint64_t ret_lease_ms; /* TAKEN: so long from now it ends, if it is not renewed */
    uint32_t ret_shards;   /* with shard 0: how many the room has, read behind deliver_start */
    struct fan_counts ret_counts;
};

void deliver_start(struct deliver *d);

#endif
