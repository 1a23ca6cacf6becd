/* store_mem.h: the model: everything in memory, gone with the process. For the
 * simulator, for tests, and for `--store mem`.
 *
 * The data (struct store_mem_disk) outlives the store, so that a simulated
 * crash loses the process and keeps what was durable; several stores (nodes) on
 * one disk see each other's appends. */
#ifndef STORE_STORE_MEM_H
#define STORE_STORE_MEM_H

#include "store/store.h"

struct store_mem_disk;

struct store_mem_disk *store_mem_disk_new(void) MUST_CHECK;
void store_mem_disk_free(struct store_mem_disk *d);

/* A store on disk, which must outlive it; NULL: on one of its own. 0 or -errno. */
int store_mem_open(struct io_host *host, struct store_mem_disk *disk,
                   struct store **ret_store) MUST_CHECK;

#endif
