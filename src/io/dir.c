#include "io/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DIR_MODE 0700
#define FILE_MODE 0600
#define PAUSE_MS 50

static int make_one(const char *path)
{
    struct stat st;

    if (mkdir(path, DIR_MODE) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int dir_make(const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    int r = 0;

    if (n == 0 || n >= sizeof(part))
        return -ENAMETOOLONG;
    memcpy(part, path, n + 1);
    for (size_t i = 1; i < n && r == 0; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        r = make_one(part);
        part[i] = '/';
    }
    return r == 0 ? make_one(part) : r;
}

int dir_make_temporary(const char *begin, char *ret_path, size_t size)
{
    const char *in = getenv("TMPDIR");
    int n = snprintf(ret_path, size, "%s/%sXXXXXX", in != NULL && *in != '\0' ? in : "/tmp", begin);

    if (n < 0 || (size_t)n >= size)
        return -ENAMETOOLONG;
    return mkdtemp(ret_path) != NULL ? 0 : -errno;
}

int dir_lock(const char *path, int *ret_fd)
{
    char file[PATH_MAX];
    int fd, r;

    if (snprintf(file, sizeof(file), "%s/lock", path) >= (int)sizeof(file))
        return -ENAMETOOLONG;
    fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = errno == EWOULDBLOCK ? -EEXIST : -errno;
        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int dir_lock_within(const char *path, unsigned ms, int *ret_fd)
{
    const struct timespec pause = {.tv_nsec = (long)PAUSE_MS * 1000000};
    int r = dir_lock(path, ret_fd);

    for (unsigned gone = 0; r == -EEXIST && gone < ms; gone += PAUSE_MS) {
        (void)nanosleep(&pause, NULL);
        r = dir_lock(path, ret_fd);
    }
    return r;
}

void dir_unlock(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}
