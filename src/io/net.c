#include "io/net.h"

#include "io/process.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

static void set(int fd, int level, int name, int value)
{
    /* What a descriptor does not know (a unix socket no TCP) does not matter. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Is there a socket at the path that refuses connections? */
static bool is_stale(const struct io_addr *addr, const struct sockaddr_storage *ss, socklen_t n)
{
    struct stat st;
    bool refused;
    int fd;

    if (addr->family != IO_ADDR_UNIX || lstat(addr->path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)ss, n) < 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static int bind_to(int fd, const struct io_addr *addr)
{
    struct sockaddr_storage ss;
    socklen_t n = sockaddr_make(addr, &ss);

    if (bind(fd, (const struct sockaddr *)&ss, n) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -errno;
    if (!is_stale(addr, &ss, n))
        return -EADDRINUSE;
    if (unlink(addr->path) < 0 || bind(fd, (const struct sockaddr *)&ss, n) < 0)
        return -errno;
    return 0;
}

static int listen_on(const struct io_addr *addr)
{
    struct sockaddr_storage ss;
    int fd, r;

    if (sockaddr_make(addr, &ss) == 0)
        return -EINVAL;
    fd = socket(ss.ss_family, SOCKET_FLAGS, 0);
    if (fd < 0)
        return -errno;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (addr->family == IO_ADDR_IP6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (addr->family != IO_ADDR_UNIX)
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* inherited by what is accepted */
    r = bind_to(fd, addr);
    if (r == 0 && addr->family == IO_ADDR_UNIX &&
        chmod(addr->path, (mode_t)(0777 & ~process_mask())) < 0)
        r = -errno;
    if (r == 0 && listen(fd, BACKLOG) < 0)
        r = -errno;
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

int net_listen(const struct io_addr *addr)
{
    static const uint8_t any[16];
    struct io_addr ip4 = {.family = IO_ADDR_IP4, .port = addr->port};
    int fd = listen_on(addr);

    if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && addr->family == IO_ADDR_IP6 &&
        memcmp(addr->ip, any, sizeof(any)) == 0)
        fd = listen_on(&ip4); /* every interface of a machine without IPv6 */
    return fd;
}

int net_prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

int net_accept(int fd)
{
    int r;

    do
        r = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (r < 0 && (errno == EINTR || errno == ECONNABORTED));
    return r < 0 ? -errno : r;
}

int net_connect(const struct io_addr *addr, int *ret_fd)
{
    struct sockaddr_storage ss;
    socklen_t n = sockaddr_make(addr, &ss);

    *ret_fd = -1;
    if (n == 0)
        return -EINVAL;
    *ret_fd = socket(ss.ss_family, SOCKET_FLAGS, 0);
    if (*ret_fd < 0)
        return -errno;
    set(*ret_fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return connect(*ret_fd, (const struct sockaddr *)&ss, n) < 0 ? -errno : 0;
}

int net_connected(int fd)
{
    int error = 0;
    socklen_t n = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
        return -errno;
    return -error;
}

void net_peer(int fd, struct io_addr *ret_addr)
{
    struct sockaddr_storage ss = {0};
    socklen_t n = sizeof(ss);

    if (getpeername(fd, (struct sockaddr *)&ss, &n) < 0)
        n = 0;
    sockaddr_read(&ss, n, ret_addr);
}

void net_local(int fd, struct io_addr *ret_addr)
{
    struct sockaddr_storage ss = {0};
    socklen_t n = sizeof(ss);

    if (getsockname(fd, (struct sockaddr *)&ss, &n) < 0)
        n = 0;
    sockaddr_read(&ss, n, ret_addr);
}
