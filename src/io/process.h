/* process.h: what the program asks of the operating system about and for itself
 * as a process: its share of the machine, its supervisor, its rights. For main,
 * from its one thread, before the loops start (but for process_notify). What a
 * process uses, and its limit of descriptors: io/usage.h. */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include "base/base.h"

/* How many CPUs this process may keep busy: those of its affinity, less if its
 * control group's quota (v2 or v1) allows fewer, parts of one rounded up. At
 * least 1. */
unsigned process_cpus(void);

/* The CPUs that a quota allows, as cpu.max of cgroup v2 writes it: "150000 100000"
 * is 2; "max 100000" and what is not understood are UINT_MAX. */
unsigned process_quota(struct str cpu_max);

/* Tells systemd: "READY=1", "STOPPING=1", "RELOADING=1", "STATUS=...". 0, also
 * if nobody asked to be told ($NOTIFY_SOCKET); or -errno. Never blocks. */
int process_notify(const char *state);

/* Descriptors that systemd opened for this process ($LISTEN_FDS), to be adopted
 * by a loop: *ret_first and following. Returns how many; 0 from the second call
 * on. They are closed on exec from then on. */
unsigned process_inherited(int *ret_first);

/* Is this root? */
bool process_is_root(void);

/* Becomes the user for good, with its groups. 0, -ENOENT if there is no such
 * user, or -errno: then the process must not go on. The kernel makes such a
 * process undumpable: no core file holds its secrets. */
int process_become(const char *user) MUST_CHECK;

/* Neither this process nor what it executes can gain rights any more; it can still give
 * them up. Before it has threads: the kernel keeps this for each. 0 or -errno. */
int process_no_new_rights(void) MUST_CHECK;

/* From now on a large block that is freed goes back to the system at once; else the
 * allocator keeps tens of megabytes after the first few, for good. */
void process_return_memory(void);

/* Files that the process makes from now on are its user's alone (umask). The sockets of
 * --listen unix:PATH are not: they keep the mask that the process was started with. */
void process_keep_private(void);

/* That mask; what net_listen gives a socket. */
unsigned process_mask(void);

/* The machine's own name, in which - stands for each byte that is no visible ASCII, since the
 * kernel takes any; empty if it has none that fits. */
#define PROCESS_HOSTNAME_MAX 256
void process_hostname(char ret_name[static PROCESS_HOSTNAME_MAX]);

/* Does a person look at the descriptor (1: standard output)? */
bool process_is_terminal(int fd);

/* What one process of this program tells another. */
enum process_word {
    PROCESS_MOVE, /* SIGUSR1; with a value: so many percent of its homes */
    PROCESS_STAY, /* SIGUSR2 */
};

/* Is there such a process, and does it run this program? A pid file may be older than
 * the process that has its number now. */
bool process_is_alive(int pid);

/* value: what the word comes with, or 0. 0, -ESRCH if it is not alive so, or -errno. */
int process_tell(int pid, enum process_word word, int value) MUST_CHECK;

/* If the process has not ended within s seconds, or was given another limit, why is
 * written to standard error as it is (it must live as long) and it exits with 1,
 * whatever its threads do. Any thread. */
void process_end_within(unsigned s, const char *why);

/* Monotonic microseconds; Unix time in milliseconds. */
uint64_t process_clock_us(void);
uint64_t process_wall_ms(void);

/* n unpredictable bytes: secrets of a first start. */
void process_random(uint8_t *p, size_t n);

#endif
