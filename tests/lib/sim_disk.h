/* sim_disk.h: what simulated nodes keep their data on, which outlives them: memory,
 * SQLite's files on a VFS that loses what was not synced, or a model of DynamoDB. */
#ifndef LIB_SIM_DISK_H
#define LIB_SIM_DISK_H

#include "lib/dynamo_model.h"
#include "store/store.h"
#include "store/store_mem.h"

struct vfs_lossy;

/* Exactly one of mem, dir and dynamo is not NULL; borrowed. */
struct sim_disk {
    struct store_mem_disk *mem;
    const char *dir, *vfs;
    struct dynamo_model *dynamo;
};

enum { SIM_DISK_DIR = 64 };

/* How long one try of one call of DynamoDB may take, and all that a request needs. */
enum { SIM_DISK_TRY_MS = 1000, SIM_DISK_DEADLINE_MS = 8000 };

/* Gives d a directory of its own for SQLite, whose name is put into dir, on a VFS that loses
 * what was not synced. Returns the VFS, which the caller frees. */
struct vfs_lossy *sim_disk_sqlite(struct sim_disk *d, char dir[static SIM_DISK_DIR],
                                  uint64_t seed) MUST_CHECK;

/* Removes that directory with what is in it. */
void sim_disk_remove(const char *dir);

/* A store on it. client: by which DynamoDB is reached, and which the store closes;
 * NULL for the others. Fails the test if it cannot be opened. */
struct store *sim_disk_open(const struct sim_disk *d, struct io_host *host,
                            struct http_client *client) MUST_CHECK;

#endif
