#include "store/store_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/dir.h"
#include "store/store_sqlite_impl.h"
#include "store/store_sqlite_schema.h"

/* Reads that share a snapshot: few enough that it does not hold up checkpoints. */
#define READ_CHAIN_MAX 32
#define FOLD_N 20000

static struct store_sqlite *sqlite_self(struct store *s)
{
    return CONTAINER_OF(s, struct store_sqlite, store);
}

static void sqlite_submit(struct store *s, struct store_req *req)
{
    bool writes = req->op == STORE_APPEND || req->op == STORE_PUT || req->op == STORE_NEXT ||
                  req->op == STORE_FILL;

    host_submit(writes ? sqlite_self(s)->writer : sqlite_self(s)->readers, &req->job);
}

static void sqlite_stats(struct store *s, struct store_stats *ret_stats)
{
    const struct store_sqlite_stats *stats = &sqlite_self(s)->stats;

    *ret_stats = (struct store_stats){
        .appends = stats->appends,
        .entries = stats->entries,
        .entry_bytes = stats->entry_bytes,
        .conflicts = stats->conflicts,
        .puts = stats->puts,
        .reads = stats->reads,
        .records_read = stats->records_read,
        .commits = stats->commits,
        .commit_us = stats->commit_us,
        .commit_max_us = stats->commit_max_us,
        .batch_max = stats->batch_max,
        .folds = stats->folds,
        .fold_us = stats->fold_us,
        .checkpoints = stats->checkpoints,
        .checkpoint_us = stats->checkpoint_us,
        .unfolded = stats->unfolded,
        .failures = stats->failures,
    };
}

/* Also of one that was opened in part. The writer's connection goes last: its
 * closing brings SQLite's log into the database. */
static void sqlite_close(struct store *base)
{
    struct store_sqlite *s = sqlite_self(base);
    struct store_sqlite_conn *c;

    host_helper_close(s->writer);
    host_helper_close(s->readers);
    while ((c = s->conns) != NULL) {
        s->conns = c->next;
        store_sqlite_conn_close(c);
        free(c);
    }
    store_sqlite_conn_close(&s->conn);
    store_sqlite_tail_fini(&s->tail);
    free(s->staged);
    free(s->fold.rooms);
    dir_unlock(s->lock_fd);
    io_free(s->clock);
    free(s);
}

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .exclusive = true,
    .submit = sqlite_submit,
    .stats = sqlite_stats,
    .wall_ms = store_own_wall_ms,
    .close = sqlite_close,
};

/* A process that was killed keeps its lock until the last of its sockets is closed. */
static int lock_dir(struct store_sqlite *s, const struct store_sqlite_options *o)
{
    char why[256];
    int r = dir_lock(o->dir, &s->lock_fd);

    if (r != -EEXIST || o->wait_ms == 0)
        return r;
    (void)snprintf(why, sizeof(why), "another process uses %.180s: waiting for its end", o->dir);
    if (o->told != NULL)
        o->told(o->ctx, why);
    return dir_lock_within(o->dir, o->wait_ms, &s->lock_fd);
}

static int open_dir(struct store_sqlite *s, const struct store_sqlite_options *o,
                    char ret_why[static 256])
{
    const char *dir = o->dir;
    int r = dir_make(dir);

    if (r == 0)
        r = lock_dir(s, o);
    if (r == -EEXIST)
        (void)snprintf(ret_why, 256, "another process uses %s", dir);
    else if (r < 0)
        (void)snprintf(ret_why, 256, "cannot use %s: %s", dir, strerror(-r));
    return r;
}

static int open_database(struct store_sqlite *s, const struct store_sqlite_options *o,
                         char ret_why[static 256])
{
    char path[4096];
    int r;

    if (snprintf(path, sizeof(path), "%s/polylog.db", o->dir) >= (int)sizeof(path)) {
        (void)snprintf(ret_why, 256, "the directory's path is too long");
        return -ENAMETOOLONG;
    }
    if (store_sqlite_conn_open(&s->conn, path, o->vfs, true, ret_why) != SQLITE_OK)
        return -EIO;
    r = store_sqlite_schema_migrate(&s->conn, ret_why);
    if (r < 0)
        return r;
    if (store_sqlite_write_load(s, o) != SQLITE_OK) {
        (void)snprintf(ret_why, 256, "cannot read the journal: %s", sqlite3_errmsg(s->conn.db));
        return -EIO;
    }
    for (unsigned i = 0; i < MAX(o->readers, 1u); i++) {
        struct store_sqlite_conn *c = mem_zeroed(1, sizeof(*c));

        c->next = s->conns;
        s->conns = c;
        if (store_sqlite_conn_open(c, path, o->vfs, false, ret_why) != SQLITE_OK)
            return -EIO;
    }
    return 0;
}

static int open_helpers(struct store_sqlite *s, struct io_host *host, unsigned readers)
{
    struct io_helper_options write = {
        .name = "store-write",
        .threads = 1,
        .run = store_sqlite_write_run,
        .ctx = s,
    };
    struct io_helper_options read = {
        .name = "store-read",
        .threads = readers,
        .chain_max = READ_CHAIN_MAX,
        .run = store_sqlite_read_run,
        .ctx = s,
    };
    int r = host_helper_new(host, &write, &s->writer);

    return r < 0 ? r : host_helper_new(host, &read, &s->readers);
}

int store_sqlite_open(struct io_host *host, const struct store_sqlite_options *o,
                      struct store **ret_store, char ret_why[static 256])
{
    struct store_sqlite *s = calloc(1, sizeof(*s));
    uint8_t key[16] = {0};
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->store.ops = &sqlite_ops;
    s->lock_fd = -1;
    s->bytes_max = o->bytes_max;
    s->fold_n = o->fold_n > 0 ? o->fold_n : FOLD_N;
    r = host_io_new(host, &s->clock);
    if (r == 0)
        io_random(s->clock, key, sizeof(key));
    store_sqlite_tail_init(&s->tail, key);
    if (r == 0)
        r = open_dir(s, o, ret_why);
    if (r == 0)
        r = open_database(s, o, ret_why);
    if (r == 0) {
        r = open_helpers(s, host, MAX(o->readers, 1u));
        if (r < 0)
            (void)snprintf(ret_why, 256, "cannot start the store's threads: %s", strerror(-r));
    }
    if (r < 0) {
        sqlite_close(&s->store);
        return r;
    }
    *ret_store = &s->store;
    return 0;
}
