/* file.h: small files as a whole: certificates, secrets, configuration. Blocks:
 * for the start of the program and its tools, not for workers. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/buf.h"

/* Appends the file's bytes to ret. 0, -EFBIG if they would exceed ret's bound,
 * or -errno; then ret may hold a beginning. */
int file_read(const char *path, struct buf *ret) MUST_CHECK;

/* Puts bytes in the place of the file, or makes it, readable by this user alone.
 * After a crash the old bytes are there or the new ones. 0 or -errno. */
int file_replace(const char *path, struct str bytes) MUST_CHECK;

#endif
