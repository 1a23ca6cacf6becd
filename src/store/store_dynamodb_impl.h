/* store_dynamodb_impl.h: what the files of this engine share.
 *
 *   store_dynamodb.c         opening, closing, what is shared by all loops
 *   store_dynamodb_call.c    one call of the service: signed, tried again, judged
 *   store_dynamodb_log.c     heads, reads, amends
 *   store_dynamodb_append.c  appends
 *   store_dynamodb_fill.c    entries in place of lost ones
 *   store_dynamodb_record.c  records and counters
 *   store_dynamodb_walk.c    all that is kept
 *   store_dynamodb_scan.c    any table
 *   store_dynamodb_tables.c  the tables themselves
 *
 * A chain owns what one store request needs, from its submission to its done; it
 * makes one call after the other. */
#ifndef STORE_STORE_DYNAMODB_IMPL_H
#define STORE_STORE_DYNAMODB_IMPL_H

#include "base/map.h"
#include "store/store_dynamodb.h"
#include "wire/dynamo.h"

#include <stdatomic.h>

#define STORE_DYNAMODB_ENDS 65536
#define STORE_DYNAMODB_URL_MAX 512
#define STORE_DYNAMODB_NO_CLOCK INT64_MIN

struct store_dynamodb {
    struct store store;
    struct http_client *client;
    char url[STORE_DYNAMODB_URL_MAX], host[STORE_DYNAMODB_URL_MAX];
    char region[SIGV4_NAME_MAX];
    char logs[STORE_DYNAMODB_NAME_MAX + 8], records[STORE_DYNAMODB_NAME_MAX + 8];
    char apart_table[STORE_DYNAMODB_NAME_MAX + 1];
    struct store_dynamodb_apart apart; /* its table is apart_table */
    unsigned deadline_ms, try_ms;
    struct store_dynamodb_signer signer;
    store_dynamodb_told_f *told;
    void *told_ctx;
    uint8_t key[16];

    /* What any loop may touch. */
    _Atomic uint32_t refs; /* the owner's and each chain's */
    _Atomic bool closed;
    _Atomic int quota; /* what is left for trying again */
    /* The service's Unix time less our monotonic one; or STORE_DYNAMODB_NO_CLOCK. */
    _Atomic int64_t clock_ms;
    /* Fingerprints of (room, seq) where an item is known to end, and when that was seen: what
     * once was an end stays one. Forgetting costs a look at the head. */
    _Atomic uint64_t ends[STORE_DYNAMODB_ENDS];
    _Atomic uint64_t appends, entries, entry_bytes, conflicts, puts, reads, records_read;
    _Atomic uint64_t commits, commit_us, commit_max_us, batch_max, failures;
    _Atomic uint64_t retries, throttles;
    _Atomic uint64_t told_ms;
};

struct chain;

/* The answer of a call; a's items are valid for FINE and REFUSED only. WRONG: the request
 * is to fail, and a says why, if the service did. Exactly one further call, or the chain's end,
 * follows. */
typedef void chain_f(struct chain *c, enum dynamo_verdict v, const struct dynamo_answer *a);

struct chain {
    struct http_request http;
    struct store_dynamodb *d;
    struct store_req *req;
    chain_f *answered;
    struct buf body, signature;
    char target[64];
    const char *headers[8];
    uint64_t deadline_ms; /* of the loop's clock */
    uint64_t started_us;
    uint64_t sent_ms; /* of the loop's clock: the present try does not set out before */
    unsigned tries, cost;
    bool quiet;                       /* whoever asked says what is wrong */
    bool refreshed;                   /* credentials or clock were put right for this call */
    void (*release)(struct chain *c); /* of what the operation holds; or NULL */

    /* What operations keep between calls. */
    struct buf key;              /* the partition's, escaped */
    struct buf block;            /* of reads */
    uint64_t next, nonce;        /* where to read on; what our own items bear */
    size_t bytes;                /* of entries in block */
    uint64_t doubted;            /* what seemed to be missing, and how often it was looked for */
    unsigned doubts_n, pause_ms; /* and how long the next query waits */
    struct append_work *append;
};

/* A chain for req, which is on its home's loop. */
struct chain *store_dynamodb_call_chain(struct store_dynamodb *d, struct store_req *req) MUST_CHECK;

/* Begins the body of a call: what is written to ret_out is inside its object. */
void store_dynamodb_call_begin(struct chain *c, const char *operation, struct json_out *ret_out);

/* Ends the body and sends it, again while that helps; then calls answered. */
void store_dynamodb_call_send(struct chain *c, struct json_out *o, chain_f *answered);

/* The same, once delay_ms have passed. */
void store_dynamodb_call_send_in(struct chain *c, struct json_out *o, unsigned delay_ms,
                                 chain_f *answered);

/* Writes why the call failed to ret_why, of n bytes: "Scan: <error>: <message>". */
void store_dynamodb_call_why(const struct chain *c, const struct dynamo_answer *a, size_t n,
                             char ret_why[]);

/* Completes the request and frees the chain. */
void store_dynamodb_call_finish(struct chain *c, enum store_result result);

/* The same for a request that made no call yet: by mail. */
void store_dynamodb_call_settle(struct chain *c, enum store_result result);

/* A random number that is neither 0 nor STORE_REV_ANY. */
uint64_t store_dynamodb_call_random(const struct chain *c) MUST_CHECK;

/* The service's time, as far as its answers told it. */
uint64_t store_dynamodb_call_wall_ms(const struct store_dynamodb *d, struct io *io) MUST_CHECK;

void store_dynamodb_unref(struct store_dynamodb *d);

/* Whether an item of room is known to end at seq; seq 0 is before the first. */
bool store_dynamodb_ends_at(struct store_dynamodb *d, struct str room, uint64_t seq) MUST_CHECK;

/* The same, and whether it was read or written within the last 5 s: what is older may be of
 * another store (docs/decisions/0017). */
bool store_dynamodb_ended_lately(struct store_dynamodb *d, struct str room, uint64_t seq,
                                 uint64_t now_us) MUST_CHECK;

/* The chain has found an end, at some time since it began. */
void store_dynamodb_note_end(const struct chain *c, struct str room, uint64_t seq);

/* An item of a log, as it was read. */
struct log_item {
    uint64_t first, n, epoch, nonce, rev;
    struct str entries; /* each behind its length */
};
bool store_dynamodb_log_item(const struct dynamo_item *from, struct log_item *ret) MUST_CHECK;

/* "room's items with seq <op> :seq", of which `limit`, in descending order or not;
 * strongly consistent. */
void store_dynamodb_log_query(struct chain *c, const char *op, uint64_t seq, unsigned limit,
                              bool descending, chain_f *answered);

void store_dynamodb_log_head(struct chain *c);
void store_dynamodb_log_read(struct chain *c);
void store_dynamodb_log_amends(struct chain *c);
void store_dynamodb_append(struct chain *c);
void store_dynamodb_fill(struct chain *c);
void store_dynamodb_record_get(struct chain *c);
void store_dynamodb_record_put(struct chain *c);
void store_dynamodb_record_list(struct chain *c);
void store_dynamodb_record_next(struct chain *c);
void store_dynamodb_walk(struct chain *c);

#endif
