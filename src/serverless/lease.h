/* lease.h: who sends a shard's followers what is new: the shard's row, by compare-and-set.
 *
 *   free ──take──▶ ours ──renew──▶ ours ──give──▶ free, with fanned moved
 *     ▲              │
 *     └──its end─────┘  (somebody else may take it from then on: ours is stolen)
 *
 * A lease that was stolen costs a repeat, never a loss: who steals it begins at the `fanned` of
 * before. A write whose end is not known is looked up and tried again. One request at a time; on
 * one loop. */
#ifndef SERVERLESS_LEASE_H
#define SERVERLESS_LEASE_H

#include "base/wheel.h"
#include "chat/model/keys.h"
#include "serverless/rows.h"
#include "store/store.h"

#define LEASE_MS 10000
#define LEASE_RENEW_MS 4000

enum lease_result {
    LEASE_OK,
    LEASE_ABSENT, /* the shard has no row: nobody has ever followed there */
    LEASE_TAKEN,  /* it is another's; after a give whose end was not known (tries > 0): or it
                     was given already */
    LEASE_FAILED, /* the store does not answer as it should */
};

enum lease_ask { LEASE_IDLE, LEASE_LOOK, LEASE_TAKE, LEASE_RENEW, LEASE_GIVE };

struct lease;
typedef void lease_done_f(struct lease *l, enum lease_ask ask, enum lease_result result);

/* Embedded in the caller's object; the first six are the caller's to set. */
struct lease {
    struct store *store;
    struct io *home;
    struct wheel *wheel;
    struct str room;
    uint32_t shard;
    lease_done_f *done; /* never inside the asking call */

    struct rows_shard row; /* as it was seen last */
    uint64_t rev;          /* of row; 0: none was seen */
    uint64_t number;       /* what stands in the row while it is ours */
    unsigned tries;        /* that failed, of the last request */
    /* Private. */
    enum lease_ask ask;
    uint64_t value, access, followers; /* to be written */
    struct rows_shard next;
    struct wheel_timer timer;
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
    } q;
    char pk[KEYS_MAX];
    char body[ROWS_VALUE_MAX];
};

/* The caller has set its members. */
void lease_init(struct lease *l);

/* Nothing may be under way. */
void lease_fini(struct lease *l);

/* Reads the row: OK, ABSENT, FAILED. */
void lease_look(struct lease *l);

/* Takes the lease, and writes run_to, in one write. OK; TAKEN: another's, which has not ended. */
void lease_take(struct lease *l, uint64_t run_to);

/* Moves the end of ours on. TAKEN: it was stolen. */
void lease_renew(struct lease *l);

/* Gives ours back, and writes fanned, access if it is more than before, and how many followers
 * there are, in one write. */
void lease_give(struct lease *l, uint64_t fanned, uint64_t access, uint64_t followers);

/* Does the row that was seen last say that another has it, now? */
bool lease_is_anothers(const struct lease *l) MUST_CHECK;

#endif
