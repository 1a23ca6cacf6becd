#include "io/process.h"

#include "base/str.h"
#include "io/file.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define PROC_MAX 4096
#define FIRST_INHERITED 3
#define INHERITED_MAX 64
#define COMM_N 32
/* Above the buffers that come and go in each turn. */
#define LARGE_BLOCK (256 * 1024)

static unsigned affinity(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (unsigned)MAX(CPU_COUNT(&set), 1);
    return (unsigned)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L);
}

/* quota of each period, in CPUs, rounded up. */
static unsigned share(uint64_t quota_us, uint64_t period_us)
{
    uint64_t n;

    if (quota_us == 0 || period_us == 0)
        return UINT_MAX;
    n = quota_us / period_us + (quota_us % period_us != 0);
    return (unsigned)MIN(n, (uint64_t)UINT_MAX);
}

/* Without the line's end. */
static struct str line_of(struct str *text)
{
    return str_trim(str_cut(text, '\n'));
}

unsigned process_quota(struct str cpu_max)
{
    struct str line = line_of(&cpu_max), first = str_cut(&line, ' ');
    uint64_t quota_us, period_us;

    if (!str_to_u64(first, &quota_us) || !str_to_u64(line, &period_us))
        return UINT_MAX;
    return share(quota_us, period_us);
}

/* The file's first number; false if it has none (-1 means no quota). */
static bool read_number(const char *path, uint64_t *ret_n)
{
    struct buf b CLEANUP(buf_fini);
    struct str text;

    buf_init(&b, PROC_MAX);
    if (file_read(path, &b) < 0)
        return false;
    text = buf_peek(&b);
    return str_to_u64(line_of(&text), ret_n);
}

static unsigned quota_v1(void)
{
    uint64_t quota_us, period_us;

    if (!read_number(CGROUP_ROOT "/cpu/cpu.cfs_quota_us", &quota_us) ||
        !read_number(CGROUP_ROOT "/cpu/cpu.cfs_period_us", &period_us))
        return UINT_MAX;
    return share(quota_us, period_us);
}

/* The least of the group's quota and those of the groups above it. */
static unsigned quota_of_group(struct str group)
{
    unsigned least = UINT_MAX;

    for (;;) {
        struct buf b CLEANUP(buf_fini);
        char path[PATH_MAX];

        buf_init(&b, PROC_MAX);
        (void)snprintf(path, sizeof(path), CGROUP_ROOT "%.*s/cpu.max", STR_ARGS(group));
        if (file_read(path, &b) == 0)
            least = MIN(least, process_quota(buf_peek(&b)));
        if (group.n == 0)
            return least;
        do
            group.n--;
        while (group.n > 0 && group.p[group.n] != '/');
    }
}

static unsigned quota_v2(void)
{
    struct buf b CLEANUP(buf_fini);
    struct str text;

    buf_init(&b, PROC_MAX);
    if (file_read("/proc/self/cgroup", &b) < 0)
        return UINT_MAX;
    text = buf_peek(&b);
    while (text.n > 0) {
        struct str line = line_of(&text);

        if (str_starts(line, STR("0::/")))
            return quota_of_group(str_skip(line, 3));
    }
    return UINT_MAX;
}

unsigned process_cpus(void)
{
    return MIN(affinity(), MIN(quota_v1(), quota_v2()));
}

int process_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct io_addr addr = {.family = IO_ADDR_UNIX};
    struct sockaddr_storage ss;
    struct str text = str_of(state);
    socklen_t ss_n;
    int fd, r;

    if (path == NULL || path[0] == '\0')
        return 0;
    if (snprintf(addr.path, sizeof(addr.path), "%s", path) >= (int)sizeof(addr.path))
        return -ENAMETOOLONG;
    ss_n = sockaddr_make(&addr, &ss);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    r = sendto(fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&ss, ss_n) < 0
            ? -errno
            : 0;
    (void)close(fd);
    return r;
}

static bool env_number(const char *name, uint64_t *ret_n)
{
    const char *value = getenv(name);

    return value != NULL && str_to_u64(str_of(value), ret_n);
}

unsigned process_inherited(int *ret_first)
{
    uint64_t pid, n;
    bool ours = env_number("LISTEN_PID", &pid) && env_number("LISTEN_FDS", &n) &&
                pid == (uint64_t)getpid() && n <= INHERITED_MAX;

    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    *ret_first = FIRST_INHERITED;
    if (!ours)
        return 0;
    for (int fd = FIRST_INHERITED; fd < FIRST_INHERITED + (int)n; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return (unsigned)n;
}

bool process_is_root(void)
{
    return geteuid() == 0;
}

int process_become(const char *user)
{
    const struct passwd *pw;

    errno = 0;
    pw = getpwnam(user);
    if (pw == NULL)
        return errno == 0 ? -ENOENT : -errno;
    if (initgroups(user, pw->pw_gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
        return -errno;
    if (pw->pw_uid != 0 && setuid(0) == 0)
        return -EPERM; /* the way back is open: something is very wrong */
    return 0;
}

int process_no_new_rights(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
}

static mode_t first_mask;

void process_keep_private(void)
{
    first_mask = umask(0077);
    (void)umask(first_mask | 0077);
}

unsigned process_mask(void)
{
    return first_mask;
}

void process_hostname(char ret_name[static PROCESS_HOSTNAME_MAX])
{
    if (gethostname(ret_name, PROCESS_HOSTNAME_MAX) < 0)
        ret_name[0] = '\0';
    ret_name[PROCESS_HOSTNAME_MAX - 1] = '\0';
    for (char *c = ret_name; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 0x7f)
            *c = '-';
}

void process_return_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

bool process_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

/* What the kernel calls the program of a process. */
static bool program_of(const char *pid, char ret_name[static COMM_N])
{
    char path[64];
    FILE *f;
    bool ok;

    (void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    ok = fgets(ret_name, COMM_N, f) != NULL;
    (void)fclose(f);
    return ok;
}

bool process_is_alive(int pid)
{
    char number[16], own[COMM_N], other[COMM_N];

    (void)snprintf(number, sizeof(number), "%d", pid);
    return program_of("self", own) && program_of(number, other) && strcmp(own, other) == 0;
}

int process_tell(int pid, enum process_word word, int value)
{
    int signal = word == PROCESS_MOVE ? SIGUSR1 : SIGUSR2;

    if (!process_is_alive(pid))
        return -ESRCH;
    return sigqueue(pid, signal, (union sigval){.sival_int = value}) < 0 ? -errno : 0;
}

static uint64_t clock_of(clockid_t id, uint64_t per_s)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * per_s + (uint64_t)ts.tv_nsec / (1000000000 / per_s);
}

static const char *_Atomic last_words;

/* Of a signal: nothing here takes a lock, and a pipe that is full is left alone. */
static void time_is_up(int signal)
{
    struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
    const char *rest = atomic_load(&last_words);
    ssize_t n = 1;

    (void)signal;
    while (*rest != '\0' && n > 0 && poll(&err, 1, 0) == 1) {
        n = write(STDERR_FILENO, rest, strlen(rest));
        rest += MAX(n, 0);
    }
    _exit(1);
}

void process_end_within(unsigned s, const char *why)
{
    struct sigaction sa = {.sa_handler = time_is_up};

    atomic_store(&last_words, why);
    (void)sigaction(SIGALRM, &sa, NULL);
    (void)alarm(s);
}

uint64_t process_clock_us(void)
{
    return clock_of(CLOCK_MONOTONIC, 1000000);
}

uint64_t process_wall_ms(void)
{
    return clock_of(CLOCK_REALTIME, 1000);
}

void process_random(uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno != EINTR)
            abort(); /* nothing may go on with what can be guessed */
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}
