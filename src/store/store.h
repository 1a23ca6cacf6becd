/* store.h: where logs and records are kept. One interface, several engines.
 *
 * A log is a room's numbered entries; the store knows their order, not their
 * meaning. A record is a small value under (pk, sk), with a revision for
 * compare-and-set. One `struct store` serves every worker; each request names
 * the loop, `home`, on which it is completed.
 *
 * Contract, identical for every engine (tests/contract/test_store.c):
 *  1. append(room, head, entries) stores the entries as head+1, head+2, ...,
 *     atomically, together with its amends, of which each writes a state, takes
 *     an entry's place, or both; STORE_OK means durable: it survives the
 *     process and the machine. Callers keep one append per room in flight.
 *     The first append to a room (head 0) gives its log the identity `epoch`.
 *  2. If the log's head is not `head`, nothing is stored and ret_head is the head.
 *     The result is STORE_CONFLICT if the log goes on behind `head`, so that the
 *     caller can read what it missed; it is STORE_BEHIND if the log ends before:
 *     this is not the log that the caller knows.
 *  3. read gives the entries from `from` on in order and without gaps, strongly
 *     consistent: up to the head at some moment not before the call, at most
 *     count_max of them and about bytes_max bytes, at least one if there is one.
 *     What the store has lost before a later entry (an item that is gone, a page
 *     that is damaged) is given as STORE_LOST; fill puts entries there.
 *     amends gives the states of the amended targets in [from, to] likewise.
 *  4. Records: get, put (conditional on the revision), list of one pk in
 *     bytewise order of sk, next (numbers from a counter, never given twice).
 *     A put that is STORE_OK is durable and seen by every later get.
 *  5. A request and what it points to belong to the caller until done is called:
 *     exactly once, on home's loop, never inside the submitting call, also when
 *     the store closes (then perhaps with STORE_CANCELED). Requests are
 *     independent of each other: no order among those in flight at once. What
 *     ended as STORE_FAILED or STORE_CANCELED may have been done, or yet be done
 *     by an engine that is far away; an append never behind one that is STORE_OK.
 *  6. A full store answers STORE_FULL to what would write and goes on reading; a
 *     failing one STORE_FAILED. A failed fsync ends the process: what the disk
 *     holds is then unknown, so it is never retried.
 *  7. walk gives, page by page, all that is kept, of one kind, in an order of the
 *     engine's own. What is there from the first page to the last is given
 *     exactly once; what comes, goes or changes meanwhile may be given, at most
 *     once, or not. A page may be empty with others behind it.
 *  8. Results named ret_* are valid if the result is STORE_OK (ret_head and
 *     ret_rev of a conflict as well). Frames returned are the caller's to unref;
 *     strings of a result live as long as its frame. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/frame.h"
#include "io/host.h"

struct store;
struct store_req;

/* Bounds of what a caller may ask: rooms' ids, pk and sk. */
#define STORE_KEY_MAX 256
/* Amends of one append: an engine's transaction may be bounded. */
#define STORE_AMENDS_MAX 80

/* In place of an entry that is lost: one of kind ENTRY_LOST (base/entry.h), and nothing
 * else in it. */
#define STORE_LOST ((struct str){(const uint8_t *)"\x01\x08", 2})

/* The epoch of a log that has lost its own with its first entries. */
#define STORE_EPOCH_LOST 1

enum store_result {
    STORE_OK,
    STORE_CONFLICT,
    STORE_FULL,
    STORE_FAILED,
    STORE_CANCELED,
    STORE_BEHIND, /* the store, or the log, is another than the caller knows, or an older one */
};

enum store_op {
    STORE_LOG,
    STORE_APPEND,
    STORE_READ,
    STORE_AMENDS,
    STORE_GET,
    STORE_PUT,
    STORE_LIST,
    STORE_NEXT,
    STORE_WALK,
    STORE_FILL,
};

struct store_belief;

typedef void store_done_f(struct store_req *req);

/* First member of every request. The caller sets home and done. */
struct store_req {
    struct io_job job;
    struct io *home;
    store_done_f *done;
    struct store_belief *belief; /* this and asked: of a write to a store that may doubt it */
    store_done_f *asked;
    uint64_t now_ms; /* the store's time; this and op: set by store_log, store_append, ... */
    enum store_op op;
    enum store_result result; /* set before done */
};

/* A log's identity and bounds. A room that was never written has head 0 and
 * epoch 0. */
struct store_log {
    struct store_req req;
    struct str room;
    uint64_t ret_epoch;
    uint64_t ret_first; /* first kept seq; 1 unless retention removed some */
    uint64_t ret_head;
    struct frame *ret_last; /* bytes of the entry at head; NULL if there is none */
};

/* The merged state of one changed entry, replaced as a whole. */
struct store_amend {
    uint64_t target;     /* a seq; one that the log does not have is nobody's */
    struct str state;    /* p NULL: what there is stays */
    struct str redacted; /* p not NULL: takes the place of target's stored entry */
};

struct store_append {
    struct store_req req;
    struct str room;
    uint64_t epoch; /* used with head 0 only */
    uint64_t head;
    const struct str *entries;
    unsigned entries_n; /* at least 1 */
    const struct store_amend *amends;
    unsigned amends_n;
    uint64_t ret_head; /* OK: the new head; CONFLICT: the present one */
};

struct store_read {
    struct store_req req;
    struct str room;
    uint64_t from;
    unsigned count_max;
    size_t bytes_max;
    struct frame *ret_block; /* for store_block_next: key is the seq; never NULL */
    unsigned ret_n;
};

/* Puts entries at from, from + 1, ..., where read gives STORE_LOST. STORE_CONFLICT: the
 * log has one of them. For a repair; bounded as an append is. */
struct store_fill {
    struct store_req req;
    struct str room;
    uint64_t from;
    const struct str *entries;
    unsigned entries_n; /* at least 1 */
};

struct store_amends {
    struct store_req req;
    struct str room;
    uint64_t from, to;
    struct frame *ret_block; /* for store_block_next: key is the target; in order */
    unsigned ret_n;
};

struct store_get {
    struct store_req req;
    struct str pk, sk;
    uint64_t ret_rev;       /* 0: there is no such record */
    struct frame *ret_body; /* NULL then */
};

#define STORE_REV_ANY UINT64_MAX

struct store_put {
    struct store_req req;
    struct str pk, sk;
    struct str body;
    uint64_t expect;     /* the revision it must have: 0 absent, STORE_REV_ANY */
    uint64_t expires_ms; /* Unix time after which it may vanish; 0: never */
    bool remove;
    bool proves;      /* is believed whatever store_believe said: it is what proves the store; an
                         engine that sees that it has another answers STORE_BEHIND */
    uint64_t ret_rev; /* OK: the new revision (0 when removed); CONFLICT: the present one */
};

struct store_list {
    struct store_req req;
    struct str pk;
    struct str prefix; /* of sk */
    struct str after;  /* only sk > after; empty: from the first */
    unsigned limit;
    struct frame *ret_block; /* for store_block_next: name is sk, key the revision */
    unsigned ret_n;
};

struct store_next {
    struct store_req req;
    struct str counter;
    uint64_t n;         /* how many numbers */
    uint64_t ret_first; /* the first of n; counters begin at 1 */
};

enum store_walk_kind {
    STORE_WALK_ROOMS,
    STORE_WALK_RECORDS, /* but those that have expired */
    STORE_WALK_COUNTERS,
};

#define STORE_CURSOR_MAX 1024

struct store_walk {
    struct store_req req;
    enum store_walk_kind kind;
    struct str cursor;       /* empty: the first page; else ret_cursor of the one before */
    unsigned limit;          /* at least 1: how many are looked at, about */
    struct frame *ret_block; /* for store_walk_next */
    unsigned ret_n;
    struct frame *ret_cursor; /* up to STORE_CURSOR_MAX bytes; NULL: that was all */
};

/* One thing that is kept. */
struct store_kept {
    struct str name;     /* the room; the counter; the record's pk */
    struct str sk, body; /* of a record */
    uint64_t number;     /* a counter: the next that it will give; a record: expires_ms */
};

/* Walks the block of a walk. Start with at = 0; false at the end. */
bool store_walk_next(const struct frame *block, size_t *at, struct store_kept *ret_kept);

/* Walks a result block. Start with at = 0; false at the end. */
struct store_item {
    uint64_t key;
    struct str name;
    struct str body;
};
bool store_block_next(const struct frame *block, size_t *at, struct store_item *ret_item);

/* For engines: appends one item to what becomes a block. */
struct buf;
void store_block_add(struct buf *b, const struct store_item *item);
void store_walk_add(struct buf *b, const struct store_kept *kept);

/* For engines that walk in order: the cursor behind the thing of that name and,
 * of a record, sk; and back. An empty cursor is behind two empty strings. */
struct frame *store_cursor_make(struct str name, struct str sk) MUST_CHECK;
void store_cursor_open(struct str cursor, struct str *ret_name, struct str *ret_sk);

/* Running totals, for metrics. Times in microseconds. */
struct store_stats {
    uint64_t appends, entries, entry_bytes, conflicts, puts, reads, records_read;
    uint64_t commits, commit_us, commit_max_us;
    uint64_t batch_max; /* most requests in one commit */
    uint64_t folds, fold_us, checkpoints, checkpoint_us;
    uint64_t unfolded; /* entries waiting to be folded; a level */
    uint64_t failures;
    uint64_t retries, throttles; /* calls tried again: after an error; told to be slower */
};

struct store_ops {
    const char *name;
    bool exclusive; /* nothing but this process can change what is kept */
    void (*submit)(struct store *s, struct store_req *req);
    void (*stats)(struct store *s, struct store_stats *ret_stats);
    uint64_t (*wall_ms)(struct store *s, struct io *io);
    void (*close)(struct store *s);
};

struct store {
    const struct store_ops *ops;
    /* See store_believe; NULL: always. Requests share it: some end after the store is closed. */
    struct store_belief *_Atomic belief;
};

/* Submitting, on home's loop (or before it runs). Rooms, pk, sk and counters
 * have 1 to STORE_KEY_MAX bytes. */
void store_log(struct store *s, struct store_log *req);
void store_append(struct store *s, struct store_append *req);
void store_read(struct store *s, struct store_read *req);
void store_amends(struct store *s, struct store_amends *req);
void store_fill(struct store *s, struct store_fill *req);
void store_get(struct store *s, struct store_get *req);
void store_put(struct store *s, struct store_put *req);
void store_list(struct store *s, struct store_list *req);
void store_next(struct store *s, struct store_next *req);
void store_walk(struct store *s, struct store_walk *req);

/* Any thread: what is written is answered as STORE_OK until then, of the loops' clocks, and as
 * STORE_FAILED from then on: it may have been done. See server/health/guard.h. */
void store_believe(struct store *s, uint64_t until_ms);

/* Any thread: from now on nothing more is written, and whatever is or was to write ends as
 * STORE_BEHIND. Reading goes on. */
void store_shut(struct store *s);
bool store_is_shut(const struct store *s) MUST_CHECK;

/* Any thread: would what is written now be answered as STORE_OK? What is acknowledged without a
 * write asks this. */
bool store_is_believed(const struct store *s, uint64_t now_ms) MUST_CHECK;

/* Any thread; figures may be slightly behind. */
void store_stats(struct store *s, struct store_stats *ret_stats);

/* The store's Unix time, on io's loop. Nodes on one store agree on it to about a second,
 * however wrong their own clocks are, and a step of a node's clock does not move it: an
 * engine that is far away tells it by its answers, and it runs on by the monotonic clock
 * between them. Until the first answer, and of an engine in this process: io's wall time. */
uint64_t store_wall_ms(struct store *s, struct io *io) MUST_CHECK;

/* For engines without a clock of their own. */
uint64_t store_own_wall_ms(struct store *s, struct io *io);

/* Finishes what was submitted (completions are still mailed to their homes,
 * whose loops must run or be freed later), releases everything. NULL is fine. */
void store_close(struct store *s);

#endif
