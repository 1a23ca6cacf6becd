/* leave.h: a connection leaves a room, or goes as a whole ($disconnect): its followers' rows
 * go, and with the last the connection's own. What is left behind by a crash or a lost
 * $disconnect goes when a POST is answered 410 (serverless/fan.h), or by its age. On one loop. */
#ifndef SERVERLESS_LEAVE_H
#define SERVERLESS_LEAVE_H

#include "chat/model/keys.h"
#include "serverless/rows.h"
#include "store/store.h"

struct leave;
typedef void leave_done_f(struct leave *l);

/* The caller sets what stands before ret_result, and keeps it until done was called. */
struct leave {
    struct store *store;
    struct io *home;
    struct str id;      /* the connection's */
    struct str room;    /* n 0: all, and the connection's row */
    uint64_t only_rev;  /* only if the follower's row is as join left it (ret_rev): it may have
                           been put again since; 0: however it is */
    leave_done_f *done; /* exactly once, never inside leave_start */

    enum store_result ret_result; /* STORE_OK: it is gone, or was before */
    /* Private. */
    struct frame *row;
    struct rows_conn conn;
    uint64_t rev;
    struct str rest; /* of the connection's rooms */
    struct buf text;
    char pk[KEYS_MAX];
    union {
        struct store_req req;
        struct store_get get;
        struct store_put put;
    } q;
};

void leave_start(struct leave *l);

#endif
