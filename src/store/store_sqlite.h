/* store_sqlite.h: the store on one machine: SQLite, WAL, synchronous=FULL, one
 * writer thread that commits everything waiting as one transaction, and reader
 * threads. docs/decisions/ says why the tables are as they are.
 *
 *   append -> writer: journal row -> COMMIT (fsync) -> unfolded, in memory
 *                        |  20,000 in all: slices of later commits
 *                        v
 *                      page(room, first_seq, entries)
 *   read  -> reader: pages + unfolded, merged
 *
 * The writer is the only connection that writes and checkpoints; readers are
 * read-only, and none of their snapshots outlives one request. */
#ifndef STORE_STORE_SQLITE_H
#define STORE_STORE_SQLITE_H

#include "store/store.h"

struct store_sqlite_options {
    const char *dir;    /* holds polylog.db; made if missing */
    const char *vfs;    /* SQLite VFS by name; NULL: the default */
    unsigned readers;   /* reader threads; 0: one */
    uint64_t bytes_max; /* of the database: beyond it STORE_FULL; 0: none */
    unsigned wait_ms;   /* for another process that holds the directory to let go of it */
    /* Told before it waits, and what is damaged; or NULL. */
    void (*told)(void *ctx, const char *why);
    void *ctx;
    unsigned fold_n; /* entries in memory at which folding begins; 0: 20,000 */
};

/* Opens or creates, migrates older schemas, brings the journal back into
 * memory. A room of whose journal a row is damaged is answered with STORE_FAILED from then
 * on, and nothing of its journal is removed. 0, or -errno with a sentence for a person in ret_why:
 * -EEXIST when another process holds the directory, -EPROTO when the schema is newer than this
 * program. */
int store_sqlite_open(struct io_host *host, const struct store_sqlite_options *o,
                      struct store **ret_store, char ret_why[static 256]) MUST_CHECK;

#endif
