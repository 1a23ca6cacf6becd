/* hang_fsync.c: a disk that stops answering: preloaded (LD_PRELOAD) into the program,
 * fsync and fdatasync wait for as long as the file that HANG_FSYNC names exists; unlink
 * of SQLite's log, which is what closing a store ends with, waits too. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wait_while_it_hangs(void)
{
    const char *file = getenv("HANG_FSYNC");

    while (file != NULL && access(file, F_OK) == 0)
        (void)usleep(5000);
}

static int call(const char *name, int fd)
{
    int (*real)(int);

    *(void **)&real = dlsym(RTLD_NEXT, name);
    wait_while_it_hangs();
    return real(fd);
}

int fsync(int fd);
int fdatasync(int fd);
int unlink(const char *path);

int fsync(int fd)
{
    return call("fsync", fd);
}

int fdatasync(int fd)
{
    return call("fdatasync", fd);
}

int unlink(const char *path)
{
    int (*real)(const char *);
    size_t n = strlen(path);

    *(void **)&real = dlsym(RTLD_NEXT, "unlink");
    if (n > 4 && strcmp(path + n - 4, "-wal") == 0)
        wait_while_it_hangs();
    return real(path);
}
