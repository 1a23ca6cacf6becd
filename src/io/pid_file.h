/* pid_file.h: a file with the id of the one process that has it. The process locks the
 * file as long as it lives: what an earlier process left is taken over, what another
 * process has is not. Nobody removes the file. */
#ifndef IO_PID_FILE_H
#define IO_PID_FILE_H

#include "base/base.h"

struct pid_file {
    int fd; /* -1: it is not ours */
};

/* Opens and locks path, or makes it, readable by this user alone; waits up to wait_ms for
 * the process that has it. What the file says is unchanged. 0; -EEXIST if another process
 * has it, with that one's id in *ret_other (0: unknown); -ELOOP if it is a symbolic link;
 * -errno. Not on a worker. */
int pid_file_take(struct pid_file *f, const char *path, unsigned wait_ms,
                  int *ret_other) MUST_CHECK;

/* Writes this process's id. Whoever reads meanwhile reads the old id or the new one.
 * 0 or -errno. */
int pid_file_write(const struct pid_file *f) MUST_CHECK;

/* Lets go of it. Harmless if it is not ours. */
void pid_file_release(struct pid_file *f);

#endif
