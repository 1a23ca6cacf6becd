/* net.h: sockets of the operating system, opened and asked without blocking.
 * For src/io only. */
#ifndef IO_NET_H
#define IO_NET_H

#include "io/io.h"

/* A listening descriptor, or -errno: what TCP accepts at it sends without delay. A unix
 * socket that nobody listens on any more is replaced. Every interface means IPv6 and
 * IPv4 where there is IPv6. */
int net_listen(const struct io_addr *addr) MUST_CHECK;

/* Makes a descriptor from elsewhere fit: never blocking. 0 or -errno. */
int net_prepare(int fd) MUST_CHECK;

/* A new descriptor, or -errno: -EAGAIN if nobody waits. */
int net_accept(int fd) MUST_CHECK;

/* Begins a connection: 0, -EINPROGRESS or -errno. *ret_fd is always written: the
 * descriptor, which the caller closes, or -1. */
int net_connect(const struct io_addr *addr, int *ret_fd) MUST_CHECK;

/* How the connection that was in progress ended: 0 or -errno. */
int net_connected(int fd) MUST_CHECK;

void net_peer(int fd, struct io_addr *ret_addr);
void net_local(int fd, struct io_addr *ret_addr);

#endif
