/* full_disk.c: a disk without space: preloaded (LD_PRELOAD) into the program, writes to
 * SQLite's log fail with ENOSPC for as long as the file that FULL_DISK names exists. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_full(int fd)
{
    const char *file = getenv("FULL_DISK");
    char link[64], path[4096];
    ssize_t n;

    if (file == NULL || access(file, F_OK) != 0)
        return 0;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path));
    return n > 4 && memcmp(path + n - 4, "-wal", 4) == 0;
}

static ssize_t call(const char *name, int fd, const void *p, size_t n, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t);

    if (is_full(fd)) {
        errno = ENOSPC;
        return -1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, name);
    return real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at);

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return call("pwrite", fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return call("pwrite64", fd, p, n, at);
}
