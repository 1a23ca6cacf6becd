/* usage.h: what a process costs, as its kernel counts it: for the load
 * generator, which watches a server, and for a process's own figures. */
#ifndef IO_USAGE_H
#define IO_USAGE_H

#include "base/base.h"

struct usage {
    uint64_t cpu_ns;  /* all threads, gone ones too */
    uint64_t user_ms; /* the share of it in user mode, to a clock tick */
    uint64_t system_ms;
    uint64_t resident_bytes; /* all of it, shared pages too */
    uint64_t private_bytes;  /* pages that nobody shares */
};

/* pid 0: this process. 0, -ESRCH if there is none, -EACCES if it is another
 * user's, or another -errno. */
int usage_read(int pid, struct usage *ret_usage) MUST_CHECK;

/* Only cpu_ns, for the ends of an interval: reads one clock. */
int usage_cpu_ns(int pid, uint64_t *ret_cpu_ns) MUST_CHECK;

/* Keeps every thread of a process (0: this one) on one CPU. 0 or -errno. */
int usage_pin(int pid, unsigned cpu) MUST_CHECK;

/* Raises this process's limit of open descriptors as far as it may go, and
 * returns it. */
uint64_t usage_descriptors(void);

/* A descriptor that stands for nothing, to be let go of when one is needed and there is
 * no other. -errno. */
int usage_reserve(void) MUST_CHECK;
void usage_release(int fd);

#endif
