/* older.h: the chat of an older system (older/older_form.h), read from its tables in DynamoDB and
 * put in order, as a store that a migration reads.
 *
 *     reading -> putting in order -> older_store, for the migration -> reading again (recheck)
 *
 * It writes to nothing but a temporary file. Rows that are not of the form are told, each, and
 * counted: with any it ends as rows_unfit, unless it is told to leave them out. One thread: that
 * of io. */
#ifndef OLDER_OLDER_H
#define OLDER_OLDER_H

#include "older/older_form.h"
#include "store/store.h"

enum older_code {
    OLDER_OK,
    OLDER_INTERRUPTED,
    OLDER_SOURCE_FAILED,
    OLDER_SCRATCH_FAILED, /* the temporary file */
    OLDER_ROWS_UNFIT,
    OLDER_NAMES_UNFIT,
    OLDER_SOURCE_MOVED, /* the tables changed between reading and reading again */
};

/* A row is not of the form, and why: its table, what names it in there, a code, a sentence's end;
 * also a person's name, whose table is "". */
typedef void older_told_f(void *ctx, const char *table, struct str row, const char *code,
                          const char *what);

struct older_options {
    struct io *io;
    struct store *tables; /* DynamoDB's: to scan with */
    struct older_form form;
    const char *room; /* of messages that name none */
    bool make_names;  /* for people whose names do not fit */
    bool skip_unfit;  /* leaves out rows that are not of the form */
    older_told_f *told;
    void *ctx;
};

struct older_progress {
    const char *step;
    const char *table; /* that is being read; or "" */
    uint64_t rows;     /* of it, so far; of the step: messages */
    uint64_t all;      /* out of so many; 0: nobody knows */
    uint64_t read[OLDER_TABLES_N], unfit[OLDER_TABLES_N];
    uint64_t people, rooms, messages; /* that are brought */
};

struct older;

/* Begins to read. tables stays the caller's, and outlives it. 0 or -errno. */
int older_new(const struct older_options *o, struct older **ret_older) MUST_CHECK;

/* Whether what was begun has ended. The caller runs io's loop until then, and calls older_turn in
 * between. */
bool older_ended(const struct older *o);
void older_turn(struct older *o);

/* It ends soon, as OLDER_INTERRUPTED. */
void older_stop(struct older *o);

/* What came of it, once it has ended; why is a sentence for people. */
enum older_code older_result(const struct older *o, const char **ret_why);
const char *older_code_text(enum older_code code);
const struct older_progress *older_progress(const struct older *o);

/* What is to be brought, once it has ended as OLDER_OK. Closed by the caller; o outlives it. */
struct store *older_store(struct older *o) MUST_CHECK;

/* Begins to read all tables again, and compares: it ends as OLDER_OK if each has the same rows. */
void older_recheck(struct older *o);

/* It has ended. NULL is fine. */
void older_free(struct older *o);

#endif
