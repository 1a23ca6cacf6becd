/* store_repair.h: `polylog store repair`: reads every log, names what the store has lost in
 * the middle of one (store.h, STORE_LOST), and puts entries there that say so. Nothing comes
 * back by it: what it ends is that the loss is found anew each time somebody reads there. It
 * may run while nodes do, where the engine lets several processes in. */
#ifndef ADMIN_STORE_REPAIR_H
#define ADMIN_STORE_REPAIR_H

#include "store/store.h"

enum { STORE_REPAIR_WHY_MAX = 256 };

struct store_repair {
    struct io *io;
    struct store *store;
    bool dry_run;                              /* looks only */
    void (*said)(void *ctx, const char *line); /* what was found and done, and how far it is */
    void *ctx;
    uint64_t ret_rooms, ret_entries; /* that were read */
    uint64_t ret_lost, ret_filled;   /* entries */
    uint64_t ret_failed;             /* rooms that cannot be read to their end */
};

/* Returns when it is done: 0, also if not all could be repaired; or -1 and a sentence for a
 * person: the store fails. */
int store_repair(struct store_repair *r, char ret_why[static STORE_REPAIR_WHY_MAX]) MUST_CHECK;

#endif
