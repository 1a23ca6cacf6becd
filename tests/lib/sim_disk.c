#include "lib/sim_disk.h"

#include "lib/check.h"
#include "lib/vfs_lossy.h"
#include "store/store_dynamodb.h"
#include "store/store_sqlite.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define VFS "story"

enum { FOLD_N = 40 };

struct vfs_lossy *sim_disk_sqlite(struct sim_disk *d, char dir[static SIM_DISK_DIR], uint64_t seed)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(dir, SIM_DISK_DIR, "%.40s/polylog-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    d->dir = dir;
    d->vfs = VFS;
    return vfs_lossy_new(VFS, seed);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void sim_disk_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int open_dynamo(struct io_host *host, struct http_client *client, struct store **ret_store)
{
    struct store_dynamodb_options o = {
        .client = client,
        .endpoint = "http://dynamodb.local",
        .region = "eu-west-1",
        .prefix = DYNAMO_MODEL_PREFIX,
        .deadline_ms = SIM_DISK_DEADLINE_MS,
        .try_ms = SIM_DISK_TRY_MS,
    };

    return store_dynamodb_open(host, &o, ret_store);
}

struct store *sim_disk_open(const struct sim_disk *d, struct io_host *host,
                            struct http_client *client)
{
    struct store_sqlite_options o = {.dir = d->dir, .vfs = d->vfs, .fold_n = FOLD_N};
    struct store *store = NULL;
    char why[256] = "";
    int r;

    assert((client != NULL) == (d->dynamo != NULL));
    if (d->dynamo != NULL)
        r = open_dynamo(host, client, &store);
    else if (d->mem != NULL)
        r = store_mem_open(host, d->mem, &store);
    else
        r = store_sqlite_open(host, &o, &store, why);
    if (r != 0)
        fail_msg("the store could not be opened: %d %s", r, why);
    return store;
}
