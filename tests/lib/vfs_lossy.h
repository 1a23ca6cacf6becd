/* vfs_lossy.h: an SQLite VFS whose files are in memory and which loses what was
 * not synced, as a machine does when its power fails: `kill -9` does not.
 *
 *   write, truncate, create, delete -> now (what the process sees)
 *   sync                            -> kept (what the platter holds)
 *
 * At the cut each unsynced write is kept, lost, or kept in some of its sectors
 * of 512 bytes, in no order; a file never synced, or deleted without a sync of
 * its directory, is there or not. The process goes on and sees no difference,
 * but nothing that it does is kept any more: the test tears it down and calls
 * vfs_lossy_restore.
 *
 * For one thread: the simulator's hosts, where several connections take turns. */
#ifndef LIB_VFS_LOSSY_H
#define LIB_VFS_LOSSY_H

#include "base/base.h"

struct vfs_lossy;

/* Registers it with SQLite under name. */
struct vfs_lossy *vfs_lossy_new(const char *name, uint64_t seed) MUST_CHECK;

/* All its files must be closed. */
void vfs_lossy_free(struct vfs_lossy *v);

/* How many operations (writes, truncations, syncs, deletions) there were. */
uint64_t vfs_lossy_ops(const struct vfs_lossy *v);

/* Cuts the power instead of the n-th operation from now; 1: the next. */
void vfs_lossy_cut_after(struct vfs_lossy *v, uint64_t n);
bool vfs_lossy_is_cut(const struct vfs_lossy *v);

/* The power is back: files hold what was kept. All must be closed. */
void vfs_lossy_restore(struct vfs_lossy *v);

/* All syncs from now on fail, or do not. */
void vfs_lossy_fail_syncs(struct vfs_lossy *v, bool fail);

/* The device is full at so many bytes in all; 0: never. */
void vfs_lossy_set_capacity(struct vfs_lossy *v, uint64_t bytes);

/* Whether some file holds these bytes, as the process sees it. */
bool vfs_lossy_holds(const struct vfs_lossy *v, struct str bytes);

/* Changes n bytes at a random place of the file whose name ends so. */
void vfs_lossy_damage(struct vfs_lossy *v, const char *suffix, unsigned n);

#endif
