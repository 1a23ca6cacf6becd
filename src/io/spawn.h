/* spawn.h: a command that runs beside this process, may be stopped and continued, and is
 * ended. It has a process group of its own, nothing to read, and no descriptor but the three;
 * what it writes to standard output and error can be received by a loop. If this process ends
 * without ending it, the kernel tells the group so (SIGHUP, SIGCONT). */
#ifndef IO_SPAWN_H
#define IO_SPAWN_H

#include "base/base.h"

struct spawn_options {
    char *const *argv; /* argv[0] is looked for in PATH; ended by NULL */
    char *const *env;  /* "NAME=value", ended by NULL */
    const char *dir;   /* where it runs; NULL: here */
};

/* Starts it; what it writes to standard output goes to the descriptor out, which stays the
 * caller's, and so does standard error, if errors; else that is this process's. 0 and the
 * process, or -errno. */
int spawn_into(const struct spawn_options *o, int out, bool errors, int *ret_pid) MUST_CHECK;

/* 0, the process, and a descriptor (io_adopt) with what it writes, whose end comes when all
 * of its processes have closed theirs; or -errno. */
int spawn_start(const struct spawn_options *o, int *ret_pid, int *ret_fd) MUST_CHECK;

/* Stops, or continues, its whole group. */
void spawn_pause(int pid, bool pause);

/* Ends the whole group at once, and waits for its first process. Returns the exit code, or
 * 128 and the signal that ended it. */
int spawn_end(int pid);

#endif
