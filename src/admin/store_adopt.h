/* store_adopt.h: `polylog store adopt`: makes a copy of a store, such as a restored backup, a
 * store of its own. What was given out by the store that it was copied from is good for nothing
 * here: no token, no cursor, no number of a user.
 *
 *   pk "server"  sk "adopted"       "<n> <shift>": how often, and what rooms' epochs are shifted by
 *                                   (chat/room/room.h); " unfinished" behind them while it runs
 *                sk "store-id"      another
 *                sk "token-secret"  another
 *                sk "stopped"       now
 *   pk "nodes"                      nothing
 *   counter "users"                 far behind what the other store may have given
 *
 * A node does not start while the record ends in "unfinished"; the next run goes on. */
#ifndef ADMIN_STORE_ADOPT_H
#define ADMIN_STORE_ADOPT_H

#include "store/store.h"

enum { STORE_ADOPT_WHY_MAX = 256 };

struct store_adopt {
    struct io *io;
    struct store *store;
    uint64_t wait_ms;                          /* how long it looks whether a node runs */
    void (*said)(void *ctx, const char *line); /* what is being done, and was */
    void *ctx;
};

/* Does it, and returns when it is done. 0, or -1 and a sentence for a person. */
int store_adopt(const struct store_adopt *a, char ret_why[static STORE_ADOPT_WHY_MAX]) MUST_CHECK;

#endif
