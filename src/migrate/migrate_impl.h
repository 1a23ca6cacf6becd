/* migrate_impl.h: what the parts of a migration share.
 *
 *   migrate          the steps, the walk of each, the lanes
 *   migrate_room     a room: counted, looked at, copied, verified
 *   migrate_record   a record, and a counter, likewise
 *   migrate_sum      what a log contains, as a hash
 *   migrate_main     the command: its settings, its progress
 *
 * A lane works on one thing: a request at a time, each continued by its done.
 * What ends the work on it calls migrate_end, once; migrate_fail before that, if
 * the whole has failed. */
#ifndef MIGRATE_MIGRATE_IMPL_H
#define MIGRATE_MIGRATE_IMPL_H

#include "migrate/migrate.h"

#include <openssl/evp.h>

#define MIGRATE_BATCH_MAX 256
#define MIGRATE_SUM_N 32

enum migrate_side { MIGRATE_FROM, MIGRATE_TO };

struct migrate_log {
    uint64_t epoch, first, head;
    struct frame *last;
};

struct migrate_lane;
typedef void migrate_lane_f(struct migrate_lane *l);

struct migrate_sum {
    enum migrate_side side;
    uint64_t head, at;
    EVP_MD_CTX *ctx;
    uint8_t ret[MIGRATE_SUM_N];
    migrate_lane_f *then;
};

struct migrate_lane {
    struct migrate *m;
    bool busy;
    struct frame *page;     /* that kept is in */
    struct store_kept kept; /* what it works on */
    union {
        struct store_req req;
        struct store_log log;
        struct store_append append;
        struct store_read read;
        struct store_amends amends;
        struct store_get get;
        struct store_put put;
        struct store_next next;
        struct store_walk walk;
    } q;
    migrate_lane_f *then, *compared; /* what comes next */

    struct migrate_log logs[2]; /* by side */
    struct migrate_sum sum;
    uint8_t first_sum[MIGRATE_SUM_N];

    /* The batch that is being copied. */
    struct frame *block, *states;
    struct str entries[MIGRATE_BATCH_MAX];
    struct store_amend amends[STORE_AMENDS_MAX];
    unsigned entries_n, amends_n;
    uint64_t next; /* its first seq */
    bool copied;   /* something of this room */

    struct frame *cursor;  /* looking for a counter */
    uint64_t counter_next; /* found: the target's */
};

struct migrate {
    struct migrate_options o;
    struct migrate_progress progress;
    size_t step;
    struct store_walk walk;
    bool walking, walked; /* a page is on its way; there is no other */
    struct frame *page, *cursor;
    size_t at;
    struct migrate_lane *lanes;
    unsigned busy;
    bool feeding, stopped, ended;
    enum migrate_code code;
    char why[512];
};

/* What is done with each thing that a step's walk gives. */
migrate_lane_f migrate_room_count, migrate_room_check, migrate_room_copy, migrate_room_verify;
migrate_lane_f migrate_record_count, migrate_record_check, migrate_record_copy,
    migrate_record_verify;
migrate_lane_f migrate_record_raise, migrate_record_verify_counter;

/* Empties the lane's request and sets its home and done. */
void migrate_ask(struct migrate_lane *l, store_done_f *done);
struct migrate_lane *migrate_lane_of(struct store_req *req);
struct store *migrate_store(const struct migrate_lane *l, enum migrate_side side);

/* Whether the lane's request succeeded; else the migration has failed, and the
 * lane is done. */
bool migrate_answered(struct migrate_lane *l, enum migrate_side side) MUST_CHECK;

/* The first failure is the one that is reported. */
void migrate_fail(struct migrate_lane *l, enum migrate_code code, const char *what);
void migrate_end(struct migrate_lane *l);

/* Hashes the entries 1 .. head of the lane's room and the states of their
 * changes; then is called unless that failed. */
void migrate_sum(struct migrate_lane *l, enum migrate_side side, uint64_t head,
                 migrate_lane_f *then);
/* Frees what is half done. Idempotent. */
void migrate_sum_fini(struct migrate_lane *l);

#endif
