/* join.h: a connection begins to follow a room, comes back to it, or leaves.
 *
 *   CONN ─▶ (SHARD ─▶ (OPEN) ─▶ LIST) ─▶ FOLLOW ─▶ LOG ─▶ READ ─▶ over
 *
 * FOLLOW puts the follower's row, and only *then* the log is read, from the client's cursor to
 * the head: what is committed later finds the row (serverless/deliver.h), what was committed
 * before is in the answer. Between the two there are repeats at worst. The client keeps what it
 * is sent of a room until the answer to its join is there.
 *
 * A room has shards, of about ROWS_SHARD_MAX followers each; how many are in one is known from
 * its last delivery. A new shard's row is put before it is counted (LIST: in the connection's own
 * row stands which shard it follows in), with fanned = run_to = head.
 *
 * Whoever calls has checked that the person may read the room, by the log up to `since`. If an
 * entry about the person came after that, ret_doubt is set: the caller looks again. If the right
 * was lost, it takes the follower away (leave_start, with ret_rev); if it was only given back
 * since, it joins again, so that the row's `since` is behind that: a delivery that is on its way to
 * the loss would remove the row.
 *
 * On one loop. Nothing is tried again here: the client repeats a join that failed. */
#ifndef SERVERLESS_JOIN_H
#define SERVERLESS_JOIN_H

#include "chat/model/keys.h"
#include "serverless/rows.h"
#include "store/store.h"

/* With more entries than these behind the cursor none is read: the client is told `behind`. */
#define JOIN_ENTRIES_MAX 1000

enum join_result {
    JOIN_OK,
    JOIN_UNKNOWN, /* there is no such connection: it has to say who it is again */
    JOIN_FAILED,  /* the store fails */
};

/* Mistakes that a test plants, to see that it would find them. */
enum join_mistake {
    JOIN_RIGHT,
    JOIN_READS_FIRST, /* LOG and READ before FOLLOW */
};

enum join_state {
    JOIN_CONN,
    JOIN_SHARD,
    JOIN_OPEN,
    JOIN_LIST,
    JOIN_FOLLOW,
    JOIN_LOG,
    JOIN_READ,
    JOIN_OVER
};

struct join;

/* Entries of the log, in order, for store_block_next; lent. */
typedef void join_page_f(struct join *j, const struct frame *block);
typedef void join_done_f(struct join *j);

/* The caller sets what stands before ret_result, and keeps it until done was called. */
struct join {
    struct store *store;
    struct io *home;
    struct str id; /* the connection's, 1 to KEYS_CONN_MAX bytes */
    struct str room;
    uint64_t since;        /* the head of the log when access was checked */
    uint64_t epoch, after; /* the client's cursor; epoch 0: it has none, and is shown the end */
    unsigned shard_max;    /* followers of a shard, about; 0: ROWS_SHARD_MAX */
    enum join_mistake mistake;
    join_page_f *page;
    join_done_f *done; /* exactly once, never inside join_start */

    enum join_result ret_result;
    uint64_t ret_epoch, ret_head;
    uint64_t ret_rev; /* of the follower's row */
    bool ret_reset;   /* the cursor is of another log, or beyond it: nothing was read */
    bool ret_behind;  /* there is too much behind the cursor: nothing was read */
    bool ret_doubt;
    /* Private. */
    enum join_state state;
    struct frame *row; /* the connection's value, from which conn borrows */
    struct rows_conn conn;
    uint64_t conn_rev;
    uint32_t shard, looked, shards_n;
    uint64_t shards_rev;
    struct rows_shard first; /* shard 0's value */
    struct buf text;
    char pk[KEYS_MAX], body[ROWS_VALUE_MAX];
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
        struct store_log log;
        struct store_read read;
    } q;
};

void join_start(struct join *j);

#endif
