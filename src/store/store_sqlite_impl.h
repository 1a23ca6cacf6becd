/* store_sqlite_impl.h: what the parts of the SQLite store share.
 *
 *   store_sqlite         opening, closing, handing requests to the helpers
 *   store_sqlite_load    what a start brings into memory
 *   store_sqlite_write   the writer's transactions
 *   store_sqlite_record  records and counters in them; walks
 *   store_sqlite_fold    journal -> pages, in slices that ride along in them
 *   store_sqlite_read    the readers
 *   store_sqlite_tail    what is in memory
 *   store_sqlite_conn, _schema, _block   the database below
 *
 * Order of consistency: a reader takes what is in memory first and its
 * snapshot of the database afterwards, so that what folding moves in between
 * is in both, not in neither. */
#ifndef STORE_STORE_SQLITE_IMPL_H
#define STORE_STORE_SQLITE_IMPL_H

#include "store/store_sqlite.h"
#include "store/store_sqlite_conn.h"
#include "store/store_sqlite_tail.h"

#include <stdatomic.h>

/* A batch, or a block in the place of a committed batch's, of the transaction
 * under way. */
struct store_sqlite_staged {
    struct store_sqlite_room *room;
    struct store_sqlite_batch batch;
    bool replaces;
    bool creates; /* the room, too */
};

/* Numbers reserved ahead, so that giving one costs no write: those from `next`
 * on, below `reserved`, have not been given by this process. */
struct store_sqlite_numbers {
    const char *name; /* in table meta */
    uint64_t step, next, reserved;
};

/* Folding's progress. Idle: rooms is NULL and cut == upto. */
struct store_sqlite_fold {
    uint64_t upto;                    /* journal rows up to here are being folded */
    uint64_t cut;                     /* and up to here have been deleted */
    uint64_t mark;                    /* of rooms that are in `rooms` */
    struct store_sqlite_room **rooms; /* in order of their numbers */
    size_t n, at;
    size_t old_at; /* as of the last commit */
    uint64_t old_cut;
};

struct store_sqlite_stats {
    _Atomic uint64_t appends, entries, entry_bytes, conflicts, puts, reads, records_read;
    _Atomic uint64_t commits, commit_us, commit_max_us, batch_max, folds, fold_us, checkpoints,
        checkpoint_us, unfolded, failures;
};

struct store_sqlite {
    struct store store;
    struct io *clock; /* no loop: only for clock and randomness */
    struct io_helper *writer, *readers;
    struct store_sqlite_tail tail;
    struct store_sqlite_stats stats;
    int lock_fd;

    /* The writer's thread only. */
    struct store_sqlite_conn conn;
    uint64_t bytes_max, page_size;
    unsigned fold_n; /* entries in memory at which folding begins */
    bool full;       /* nothing may be added in the transaction under way */
    struct store_sqlite_staged *staged;
    size_t staged_n, staged_cap;
    uint64_t journal_next;
    struct store_sqlite_numbers rooms, revs;
    struct store_sqlite_fold fold;
    uint64_t wall_ms;   /* the latest request's */
    uint64_t fold_ms;   /* not to be folded before */
    uint64_t expire_ms; /* when to look for expired records next */
    unsigned wal_pages; /* in SQLite's log, perhaps checkpointed already */
    unsigned wal_tried; /* of them, when a checkpoint was last tried */
    bool wal_dirty;     /* commits since the last whole checkpoint */
    bool scrub;         /* something was redacted: empty the log, too */

    /* Readers' connections not in use, under tail.lock. */
    struct store_sqlite_conn *conns;
};

/* The helpers' functions. ctx: the struct store_sqlite. */
uint64_t store_sqlite_write_run(void *ctx, struct io_job *chain);
uint64_t store_sqlite_read_run(void *ctx, struct io_job *chain);

/* Brings the journal into memory, and the numbers; o->told hears of what is damaged.
 * SQLITE_OK or an error. The first is the second, and begins the writer's work. */
int store_sqlite_write_load(struct store_sqlite *s,
                            const struct store_sqlite_options *o) MUST_CHECK;
int store_sqlite_load(struct store_sqlite *s, const struct store_sqlite_options *o) MUST_CHECK;

/* Within the transaction under way: SQLITE_OK and the request's result, or an
 * error that undoes the transaction. */
int store_sqlite_record_put(struct store_sqlite *s, struct store_put *req) MUST_CHECK;
int store_sqlite_record_next(struct store_sqlite *s, struct store_next *req) MUST_CHECK;

/* Removes some of what has expired, in the transaction under way. */
int store_sqlite_record_expire(struct store_sqlite *s) MUST_CHECK;

/* Through a reader's connection: SQLITE_OK and the result, or an error. */
int store_sqlite_record_get(struct store_sqlite_conn *c, struct store_get *req) MUST_CHECK;
int store_sqlite_record_list(struct store_sqlite_conn *c, struct store_list *req) MUST_CHECK;
int store_sqlite_record_walk(struct store_sqlite_conn *c, struct store_walk *req) MUST_CHECK;

/* The next number, reserving more in the transaction under way if needed. */
int store_sqlite_record_number(struct store_sqlite *s, struct store_sqlite_numbers *numbers,
                               uint64_t *ret_number) MUST_CHECK;

/* Begins to fold all that is in memory, if it is much and nothing is being
 * folded. Between transactions. */
void store_sqlite_fold_begin(struct store_sqlite *s);

/* Whether there is something to be folded or deleted. */
bool store_sqlite_fold_pending(const struct store_sqlite *s);

/* Some of it, in the transaction under way, before anything else in it; what
 * was reached is kept by fold_committed (with tail.lock), or forgotten by
 * fold_undone. */
int store_sqlite_fold_slice(struct store_sqlite *s, size_t entries) MUST_CHECK;
void store_sqlite_fold_committed(struct store_sqlite *s);
void store_sqlite_fold_undone(struct store_sqlite *s);

#endif
