/* dir.h: a directory of one's own: made if missing, locked so that two
 * processes cannot use the same data. */
#ifndef IO_DIR_H
#define IO_DIR_H

#include "base/base.h"

/* Makes path and what is missing above it, readable to the owner only. 0 (also
 * if it was there) or -errno. */
int dir_make(const char *path) MUST_CHECK;

/* Makes a directory of that beginning in $TMPDIR, or /tmp, that only this user can use. 0 and
 * its path; -ENAMETOOLONG if size is not enough for it; or -errno. */
int dir_make_temporary(const char *begin, char *ret_path, size_t size) MUST_CHECK;

/* Locks a directory until dir_unlock or the end of the process, by a lock on a
 * file `lock` in it. 0; -EEXIST if it is locked, by this process or another;
 * -errno. */
int dir_lock(const char *path, int *ret_fd) MUST_CHECK;

/* The same, but waits up to ms for whoever has it. Not on a worker. */
int dir_lock_within(const char *path, unsigned ms, int *ret_fd) MUST_CHECK;

/* -1 is fine. */
void dir_unlock(int fd);

#endif
