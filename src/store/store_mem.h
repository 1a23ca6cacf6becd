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

/* Entries from .. from + n - 1, which are there and not the last, are lost: as if a disk
 * had forgotten them. */
void store_mem_disk_lose(struct store_mem_disk *d, struct str room, uint64_t from, uint64_t n);

/* A copy of what is on the disk; what is on d becomes what is on from, as if the disk were one
 * of another time; is on both the same, unchanged since the copy was made? */
struct store_mem_disk *store_mem_disk_copy(const struct store_mem_disk *d) MUST_CHECK;
void store_mem_disk_put_back(struct store_mem_disk *d, const struct store_mem_disk *from);
bool store_mem_disk_same(const struct store_mem_disk *a, const struct store_mem_disk *b) MUST_CHECK;

/* A store on disk, which must outlive it; NULL: on one of its own. 0 or -errno. */
int store_mem_open(struct io_host *host, struct store_mem_disk *disk,
                   struct store **ret_store) MUST_CHECK;

#endif
