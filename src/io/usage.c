#include "io/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PATH_N = 64, TEXT_N = 4096 };

int usage_cpu_ns(int pid, uint64_t *ret_cpu_ns)
{
    clockid_t clock;
    struct timespec ts;
    int err = clock_getcpuclockid(pid, &clock);

    if (err != 0)
        return -err;
    if (clock_gettime(clock, &ts) < 0)
        return -errno;
    *ret_cpu_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
    return 0;
}

/* /proc/PID/file, NUL-terminated and cut to TEXT_N - 1. */
static int proc_read(int pid, const char *file, char text[static TEXT_N])
{
    char path[PATH_N];
    FILE *f;
    size_t n;

    if (pid == 0)
        (void)snprintf(path, sizeof(path), "/proc/self/%s", file);
    else
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    f = fopen(path, "re");
    if (f == NULL)
        return errno == ENOENT ? -ESRCH : -errno;
    n = fread(text, 1, TEXT_N - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    return n > 0 ? 0 : -EIO;
}

/* proc(5): after the name in parentheses, utime and stime are fields 14 and 15. */
static int times_read(int pid, struct usage *u)
{
    char text[TEXT_N];
    unsigned long user, system;
    uint64_t per_s = (uint64_t)sysconf(_SC_CLK_TCK);
    int r = proc_read(pid, "stat", text);
    const char *p;

    if (r < 0)
        return r;
    p = strrchr(text, ')');
    if (p == NULL ||
        sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return -EIO;
    u->user_ms = user * 1000 / per_s;
    u->system_ms = system * 1000 / per_s;
    return 0;
}

/* The kilobytes behind a key of smaps_rollup. */
static uint64_t kilobytes(const char *text, const char *key)
{
    const char *p = strstr(text, key);

    return p == NULL ? 0 : strtoull(p + strlen(key), NULL, 10) * 1024;
}

int usage_read(int pid, struct usage *ret_usage)
{
    struct usage u = {0};
    char text[TEXT_N];
    int r = usage_cpu_ns(pid, &u.cpu_ns);

    if (r == 0)
        r = times_read(pid, &u);
    if (r == 0)
        r = proc_read(pid, "smaps_rollup", text);
    if (r < 0)
        return r;
    u.resident_bytes = kilobytes(text, "\nRss:");
    u.private_bytes = kilobytes(text, "Private_Clean:") + kilobytes(text, "Private_Dirty:");
    *ret_usage = u;
    return 0;
}

int usage_pin(int pid, unsigned cpu)
{
    char path[PATH_N];
    cpu_set_t set;
    struct dirent *d;
    DIR *dir;
    int r = 0;

    if (cpu >= CPU_SETSIZE)
        return -EINVAL;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (pid == 0)
        return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
    dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? -ESRCH : -errno;
    while ((d = readdir(dir)) != NULL) {
        int tid = (int)strtol(d->d_name, NULL, 10);

        if (tid > 0 && sched_setaffinity(tid, sizeof(set), &set) < 0 && errno != ESRCH)
            r = -errno;
    }
    (void)closedir(dir);
    return r;
}

uint64_t usage_descriptors(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return 0;
    if (files.rlim_cur < files.rlim_max) {
        rlim_t was = files.rlim_cur;

        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0)
            return was;
    }
    return files.rlim_cur;
}

int usage_reserve(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    return fd >= 0 ? fd : -errno;
}

void usage_release(int fd)
{
    (void)close(fd);
}
