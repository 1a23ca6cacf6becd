#include "lib/ports.h"

#include "lib/check.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST = 10000, BLOCK = 200, KERNELS = 32768 };

static int bound(int type, unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (type == SOCK_STREAM)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static unsigned first_of_kernel(void)
{
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    unsigned first = KERNELS;

    if (f != NULL && fscanf(f, "%u", &first) != 1)
        first = KERNELS;
    if (f != NULL)
        (void)fclose(f);
    return first;
}

/* The first port of a block: as long as this process runs, a UDP socket on it says that the block
 * is taken. */
static unsigned reserve(void)
{
    unsigned last = first_of_kernel(), blocks = last > FIRST + BLOCK ? (last - FIRST) / BLOCK : 1;

    for (unsigned i = 0; i < blocks; i++) {
        unsigned first = FIRST + ((unsigned)getpid() + i) % blocks * BLOCK;

        if (bound(SOCK_DGRAM, first) >= 0)
            return first;
    }
    fail_msg("no block of ports is free");
    return 0;
}

uint16_t ports_free(void)
{
    static unsigned first, next;

    if (first == 0)
        first = reserve();
    for (unsigned i = 1; i < BLOCK; i++) {
        unsigned port = first + 1 + next++ % (BLOCK - 1);
        int fd = bound(SOCK_STREAM, port);

        if (fd >= 0 && listen(fd, 1) == 0) {
            (void)close(fd);
            return (uint16_t)port;
        }
        if (fd >= 0)
            (void)close(fd);
    }
    fail_msg("no port is free");
    return 0;
}
