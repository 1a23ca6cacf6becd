#include "io/sockaddr.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static socklen_t make_ip4(const struct io_addr *addr, struct sockaddr_storage *ret)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};

    memcpy(&in.sin_addr, addr->ip, 4);
    memcpy(ret, &in, sizeof(in));
    return sizeof(in);
}

static socklen_t make_ip6(const struct io_addr *addr, struct sockaddr_storage *ret)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};

    memcpy(&in.sin6_addr, addr->ip, 16);
    memcpy(ret, &in, sizeof(in));
    return sizeof(in);
}

static socklen_t make_unix(const struct io_addr *addr, struct sockaddr_storage *ret)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strnlen(addr->path, sizeof(addr->path) - 1);

    memcpy(un.sun_path, addr->path, n);
    if (un.sun_path[0] == '@')
        un.sun_path[0] = '\0'; /* abstract: its length counts, no NUL ends it */
    else
        n++;
    memcpy(ret, &un, sizeof(un));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

socklen_t sockaddr_make(const struct io_addr *addr, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    switch (addr->family) {
    case IO_ADDR_IP4:
        return make_ip4(addr, ret);
    case IO_ADDR_IP6:
        return make_ip6(addr, ret);
    case IO_ADDR_UNIX:
        return make_unix(addr, ret);
    case IO_ADDR_NONE:
        break;
    }
    return 0;
}

static void read_unix(const struct sockaddr_storage *ss, socklen_t n, struct io_addr *ret_addr)
{
    struct sockaddr_un un = {0};
    size_t path_n = MIN((size_t)n, sizeof(un)) - offsetof(struct sockaddr_un, sun_path);

    memcpy(&un, ss, MIN((size_t)n, sizeof(un)));
    ret_addr->family = IO_ADDR_UNIX;
    if (path_n == 0)
        return; /* a client that did not bind */
    path_n = MIN(path_n, sizeof(ret_addr->path) - 1);
    memcpy(ret_addr->path, un.sun_path, path_n);
    if (ret_addr->path[0] == '\0')
        ret_addr->path[0] = '@';
}

static void read_ip6(const struct sockaddr_storage *ss, struct io_addr *ret_addr)
{
    struct sockaddr_in6 in;

    memcpy(&in, ss, sizeof(in));
    ret_addr->port = ntohs(in.sin6_port);
    if (memcmp(&in.sin6_addr, mapped, sizeof(mapped)) == 0) {
        ret_addr->family = IO_ADDR_IP4;
        memcpy(ret_addr->ip, (const uint8_t *)&in.sin6_addr + sizeof(mapped), 4);
    } else {
        ret_addr->family = IO_ADDR_IP6;
        memcpy(ret_addr->ip, &in.sin6_addr, 16);
    }
}

void sockaddr_read(const struct sockaddr_storage *ss, socklen_t n, struct io_addr *ret_addr)
{
    *ret_addr = (struct io_addr){.family = IO_ADDR_NONE};
    if (n < sizeof(ss->ss_family))
        return;
    if (ss->ss_family == AF_INET && n >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;

        memcpy(&in, ss, sizeof(in));
        ret_addr->family = IO_ADDR_IP4;
        ret_addr->port = ntohs(in.sin_port);
        memcpy(ret_addr->ip, &in.sin_addr, 4);
    } else if (ss->ss_family == AF_INET6 && n >= sizeof(struct sockaddr_in6)) {
        read_ip6(ss, ret_addr);
    } else if (ss->ss_family == AF_UNIX) {
        read_unix(ss, n, ret_addr);
    }
}
