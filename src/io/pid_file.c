#include "io/pid_file.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MODE 0600
#define PAUSE_MS 50
#define TEXT_MAX 16

static int read_other(int fd)
{
    uint8_t text[TEXT_MAX];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    struct str s = {text, n > 0 ? (size_t)n : 0};
    uint64_t pid;

    return str_to_u64(str_trim(str_cut(&s, '\n')), &pid) && pid <= INT32_MAX ? (int)pid : 0;
}

/* Is that still the file at path? Somebody may have put another in its place. */
static bool is_at(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static int take_now(const char *path, int *ret_fd, int *ret_other)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE), r = 0;

    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        r = errno == EWOULDBLOCK ? -EEXIST : -errno;
    else if (!is_at(fd, path))
        r = -EAGAIN;
    if (r == 0) {
        *ret_fd = fd;
        return 0;
    }
    if (r == -EEXIST)
        *ret_other = read_other(fd);
    (void)close(fd);
    return r;
}

int pid_file_take(struct pid_file *f, const char *path, unsigned wait_ms, int *ret_other)
{
    const struct timespec pause = {.tv_nsec = (long)PAUSE_MS * 1000000};
    int r = take_now(path, &f->fd, ret_other);

    for (unsigned gone = 0; (r == -EEXIST && gone < wait_ms) || r == -EAGAIN; gone += PAUSE_MS) {
        (void)nanosleep(&pause, NULL);
        r = take_now(path, &f->fd, ret_other);
    }
    return r;
}

int pid_file_write(const struct pid_file *f)
{
    char text[TEXT_MAX];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    ssize_t written = pwrite(f->fd, text, (size_t)n, 0);

    if (written != n)
        return written < 0 ? -errno : -EIO;
    return ftruncate(f->fd, n) < 0 ? -errno : 0;
}

void pid_file_release(struct pid_file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = -1;
}
