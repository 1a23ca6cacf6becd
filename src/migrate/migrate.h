/* migrate.h: brings all that one store keeps into another one: logs with their
 * identity, so that clients' cursors stay good, changes of their entries,
 * records, counters.
 *
 *     count the source -> look at the target -> copy rooms, records, counters
 *                                            -> verify, from both sides
 *
 * What the target has already, and is the beginning of what the source has, is
 * left alone: a migration that was killed goes on where it was, in the middle of
 * a room too. Anything else in the target ends it before anything is written.
 * Nobody else may write to either store meanwhile.
 *
 * Pages of the walk over one store are handed to `lanes` lanes; each has one
 * thing in work, with one batch of it in memory. One thread: that of io. */
#ifndef MIGRATE_MIGRATE_H
#define MIGRATE_MIGRATE_H

#include "store/store.h"

#define MIGRATE_LANES_MAX 256

enum migrate_code {
#define CODE(constant, text) constant,
#include "migrate/codes.tbl"
#undef CODE
};

struct migrate_options {
    struct io *io;
    struct store *from, *to;
    unsigned lanes; /* 1 to MIGRATE_LANES_MAX */
    bool dry_run;   /* counts and looks, and writes nothing */
    bool verify;
};

struct migrate_progress {
    const char *step;                  /* what is being done, for people */
    uint64_t rooms, entries, records;  /* of the source, once they are counted */
    uint64_t done;                     /* entries and records of this step */
    uint64_t all;                      /* out of so many; 0: nobody knows */
    uint64_t rooms_copied, rooms_kept; /* with something new; that were there */
    uint64_t entries_copied, records_copied, records_kept, counters_raised;
    uint64_t rooms_verified;
    uint64_t began_us; /* the step, by io_clock_us */
};

struct migrate;

/* Begins. The stores stay the caller's, and are closed after migrate_free. */
struct migrate *migrate_new(const struct migrate_options *o) MUST_CHECK;

/* Whether it has ended: nothing is in flight any more. The caller runs io's loop
 * until then. */
bool migrate_ended(const struct migrate *m);

/* No more is begun; it ends soon, as MIGRATE_INTERRUPTED. */
void migrate_stop(struct migrate *m);

/* Valid as long as m. */
const struct migrate_progress *migrate_progress(const struct migrate *m);

/* What came of it, once it has ended; why is a sentence for people. */
enum migrate_code migrate_result(const struct migrate *m, const char **ret_why);

/* "target_other", ... */
const char *migrate_code_text(enum migrate_code code);

/* It has ended. NULL is fine. */
void migrate_free(struct migrate *m);

#endif
