/* file.h: small files as a whole: certificates, secrets, configuration. Blocks:
 * for the start of the program and its tools, not for workers. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/buf.h"

/* Appends the file's bytes to ret. 0, -EFBIG if they would exceed ret's bound,
 * or -errno; then ret may hold a beginning. */
int file_read(const char *path, struct buf *ret) MUST_CHECK;

/* As file_read, of a file that this user or root owns and nobody else may write. -EPERM if
 * somebody else could have written what it says. */
int file_read_own(const char *path, struct buf *ret) MUST_CHECK;

/* Puts bytes in the place of the file, or makes it, readable by this user alone.
 * After a crash the old bytes are there or the new ones. 0 or -errno. */
int file_replace(const char *path, struct str bytes) MUST_CHECK;

/* A descriptor that bytes are appended to. */
struct file_place {
    uint64_t device, inode;
    uint64_t size; /* where the next byte goes */
};

/* Where the descriptor stands. -ESPIPE if it is no regular file; 0 or -errno. */
int file_place(int fd, struct file_place *ret) MUST_CHECK;

/* Cuts the file at that size, which becomes where it stands. 0 or -errno. */
int file_cut(int fd, uint64_t size) MUST_CHECK;

/* All the bytes, however often it takes. 0 or -errno. */
int file_append(int fd, struct str bytes) MUST_CHECK;

/* What was appended is on the disk. 0 or -errno; 0 if it is no file. */
int file_sync(int fd) MUST_CHECK;

#endif
