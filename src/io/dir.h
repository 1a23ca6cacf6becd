/* dir.h: a directory of one's own: made if missing, locked so that two
 * processes cannot use the same data. */
#ifndef IO_DIR_H
#define IO_DIR_H

#include "base/base.h"

/* Makes path and what is missing above it, readable to the owner only. 0 (also
 * if it was there) or -errno. */
int dir_make(const char *path) MUST_CHECK;

/* Locks a directory until dir_unlock or the end of the process, by a lock on a
 * file `lock` in it. 0; -EEXIST if it is locked, by this process or another;
 * -errno. */
int dir_lock(const char *path, int *ret_fd) MUST_CHECK;

/* -1 is fine. */
void dir_unlock(int fd);

#endif
