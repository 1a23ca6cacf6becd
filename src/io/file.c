#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 4096
#define FILE_MODE 0600
#define DIR_MODE 0700

static int read_all(int fd, struct buf *ret)
{
    char bytes[CHUNK];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        buf_append(ret, (struct str){(const uint8_t *)bytes, (size_t)n});
        if (ret->failed)
            return -EFBIG;
    }
    return 0;
}

int file_read(const char *path, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    r = read_all(fd, ret);
    (void)close(fd);
    return r;
}

int file_read_own(const char *path, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;
    struct stat st;
    bool own;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        r = -errno;
    } else {
        own = S_ISREG(st.st_mode) && (st.st_uid == 0 || st.st_uid == geteuid()) &&
              (st.st_mode & S_IWOTH) == 0 &&
              ((st.st_mode & S_IWGRP) == 0 || st.st_gid == getegid());
        r = own ? read_all(fd, ret) : -EPERM;
    }
    (void)close(fd);
    return r;
}

int file_append(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return 0;
}

int file_sync(int fd)
{
    return fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? -errno : 0;
}

int file_place(int fd, struct file_place *ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ESPIPE;
    *ret = (struct file_place){st.st_dev, st.st_ino, (uint64_t)st.st_size};
    return 0;
}

int file_cut(int fd, uint64_t size)
{
    if (ftruncate(fd, (off_t)size) < 0 || lseek(fd, (off_t)size, SEEK_SET) < 0)
        return -errno;
    return 0;
}

/* The directory of path, in dir. */
static void dir_of(const char *path, char dir[static PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        (void)snprintf(dir, PATH_MAX, ".");
    else if (slash == path)
        (void)snprintf(dir, PATH_MAX, "/");
    else
        (void)snprintf(dir, PATH_MAX, "%.*s", (int)(slash - path), path);
}

/* Makes a rename in the directory of path durable. */
static int sync_dir(const char *path)
{
    char dir[PATH_MAX];
    int fd, r;

    dir_of(path, dir);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = fsync(fd) < 0 ? -errno : 0;
    (void)close(fd);
    return r;
}

int file_replace(const char *path, struct str bytes)
{
    char temporary[PATH_MAX];
    int fd, r;

    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    (void)unlink(temporary); /* left by a crash */
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return -errno;
    r = file_append(fd, bytes);
    if (r == 0)
        r = file_sync(fd);
    (void)close(fd);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(temporary);
        return r;
    }
    return sync_dir(path);
}
