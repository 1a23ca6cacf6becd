#include "io/addr.h"

#include "base/str.h"
#include "io/sockaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 256

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* s as a C string; false if it does not fit or holds a NUL. */
static bool to_z(struct str s, char *ret_z, size_t size)
{
    if (s.n >= size || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
        return false;
    if (s.n > 0)
        memcpy(ret_z, s.p, s.n);
    ret_z[s.n] = '\0';
    return true;
}

/* As addr_parse_ip, and leaves the rest of *a as it is. */
static bool read_ip(struct str s, struct io_addr *a)
{
    char z[INET6_ADDRSTRLEN];

    if (!to_z(s, z, sizeof(z)))
        return false;
    if (inet_pton(AF_INET, z, a->ip) == 1)
        a->family = IO_ADDR_IP4;
    else if (inet_pton(AF_INET6, z, a->ip) == 1)
        a->family = IO_ADDR_IP6;
    else
        return false;
    return true;
}

bool addr_parse_ip(struct str text, struct io_addr *ret_addr)
{
    struct io_addr a = {.family = IO_ADDR_NONE};

    if (!read_ip(text, &a))
        return false;
    *ret_addr = a;
    return true;
}

/* Cuts "host:port" at its last colon; the brackets of "[host]" are dropped and
 * told in *ret_bracketed. */
static bool split(struct str text, struct str *ret_host, uint16_t *ret_port, bool *ret_bracketed)
{
    const uint8_t *colon = text.n > 0 ? memrchr(text.p, ':', text.n) : NULL;
    struct str host;
    uint64_t port;

    if (colon == NULL)
        return false;
    host = (struct str){text.p, (size_t)(colon - text.p)};
    if (!str_to_u64(str_skip(text, host.n + 1), &port) || port > UINT16_MAX)
        return false;
    *ret_bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (*ret_bracketed)
        host = (struct str){host.p + 1, host.n - 2};
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}

int addr_parse(struct str text, struct io_addr *ret_addr)
{
    struct io_addr a = {.family = IO_ADDR_NONE};
    struct str host;
    bool bracketed;

    if (str_starts(text, STR("unix:"))) {
        a.family = IO_ADDR_UNIX;
        if (text.n == 5 || !to_z(str_skip(text, 5), a.path, sizeof(a.path)))
            return -EINVAL;
        *ret_addr = a;
        return 0;
    }
    if (!split(text, &host, &a.port, &bracketed))
        return -EINVAL;
    if (host.n == 0 && !bracketed)
        a.family = IO_ADDR_IP6; /* every interface, IPv4's too */
    else if (str_eq_nocase(host, STR("localhost")) && !bracketed)
        (void)read_ip(STR("127.0.0.1"), &a);
    else if (!read_ip(host, &a) || bracketed != (a.family == IO_ADDR_IP6))
        return -EINVAL;
    *ret_addr = a;
    return 0;
}

int addr_resolve(struct str text, struct io_addr *ret_addr)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found;
    struct sockaddr_storage ss = {0};
    struct str host;
    uint16_t port;
    bool bracketed;
    char z[HOST_MAX];

    if (addr_parse(text, ret_addr) == 0)
        return 0;
    if (!split(text, &host, &port, &bracketed) || bracketed || host.n == 0 ||
        !to_z(host, z, sizeof(z)))
        return -EINVAL;
    if (getaddrinfo(z, NULL, &hints, &found) != 0)
        return -ENOENT;
    memcpy(&ss, found->ai_addr, MIN((size_t)found->ai_addrlen, sizeof(ss)));
    sockaddr_read(&ss, found->ai_addrlen, ret_addr);
    ret_addr->port = port;
    freeaddrinfo(found);
    return 0;
}

/* IPv4 mapped into IPv6 as IPv4, everything else as it is. */
static struct io_addr unmapped(const struct io_addr *addr)
{
    struct io_addr a = *addr;

    if (a.family == IO_ADDR_IP6 && memcmp(a.ip, mapped, sizeof(mapped)) == 0) {
        a.family = IO_ADDR_IP4;
        memmove(a.ip, a.ip + sizeof(mapped), 4);
        memset(a.ip + 4, 0, sizeof(a.ip) - 4);
    }
    return a;
}

size_t addr_format(const struct io_addr *addr, char ret_text[static IO_ADDR_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "";
    int n = 0;

    ret_text[0] = '\0';
    switch (addr->family) {
    case IO_ADDR_IP4:
        inet_ntop(AF_INET, addr->ip, ip, sizeof(ip));
        n = snprintf(ret_text, IO_ADDR_TEXT_MAX, "%s:%u", ip, addr->port);
        break;
    case IO_ADDR_IP6:
        inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
        n = snprintf(ret_text, IO_ADDR_TEXT_MAX, "[%s]:%u", ip, addr->port);
        break;
    case IO_ADDR_UNIX:
        n = snprintf(ret_text, IO_ADDR_TEXT_MAX, "unix:%s", addr->path);
        break;
    case IO_ADDR_NONE:
        break;
    }
    return (size_t)n;
}

/* inet_ntop goes through printf: for each connection. */
static size_t format_ip4(const uint8_t ip[static 4], char ret_text[static IO_ADDR_TEXT_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < 4; i++) {
        n += str_from_u64(ip[i], ret_text + n);
        ret_text[n++] = i < 3 ? '.' : '\0';
    }
    return n - 1;
}

size_t addr_format_ip(const struct io_addr *addr, char ret_text[static IO_ADDR_TEXT_MAX])
{
    struct io_addr a = unmapped(addr);
    const char *text = "none";
    char ip[INET6_ADDRSTRLEN];

    if (a.family == IO_ADDR_IP4)
        return format_ip4(a.ip, ret_text);
    if (a.family == IO_ADDR_IP6)
        text = inet_ntop(AF_INET6, a.ip, ip, sizeof(ip));
    else if (a.family == IO_ADDR_UNIX)
        text = "unix";
    return (size_t)snprintf(ret_text, IO_ADDR_TEXT_MAX, "%s", text);
}

bool addr_is_loopback(const struct io_addr *addr)
{
    static const uint8_t one[16] = {[15] = 1};
    struct io_addr a = unmapped(addr);

    if (a.family == IO_ADDR_IP4)
        return a.ip[0] == 127;
    if (a.family == IO_ADDR_IP6)
        return memcmp(a.ip, one, sizeof(one)) == 0;
    return a.family == IO_ADDR_UNIX;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t whole = bits / 8;
    unsigned rest = (unsigned)(bits % 8);

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool addr_matches(const struct io_addr *addr, struct str pattern)
{
    struct io_addr a = unmapped(addr), net = {.family = IO_ADDR_NONE};
    struct str ip = str_cut(&pattern, '/');
    bool has_bits = ip.p + ip.n != pattern.p;
    uint64_t bits, bits_max;

    if (str_eq(ip, STR("unix")))
        return !has_bits && a.family == IO_ADDR_UNIX;
    if (!read_ip(ip, &net) || net.family != a.family)
        return false;
    bits_max = net.family == IO_ADDR_IP4 ? 32 : 128;
    bits = bits_max;
    if (has_bits && (!str_to_u64(pattern, &bits) || bits > bits_max))
        return false;
    return same_bits(a.ip, net.ip, (size_t)bits);
}
