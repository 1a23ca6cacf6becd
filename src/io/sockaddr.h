/* sockaddr.h: struct io_addr as the kernel's socket addresses, and back. For
 * src/io only. */
#ifndef IO_SOCKADDR_H
#define IO_SOCKADDR_H

#include "io/io.h"

#include <sys/socket.h>

/* Fills *ret and returns its length; 0 for IO_ADDR_NONE. A unix path that
 * begins with '@' is an abstract name. */
socklen_t sockaddr_make(const struct io_addr *addr, struct sockaddr_storage *ret);

/* What is neither IP nor unix becomes IO_ADDR_NONE; IPv4 mapped into IPv6
 * becomes IPv4; an unnamed unix socket has an empty path. */
void sockaddr_read(const struct sockaddr_storage *ss, socklen_t n, struct io_addr *ret_addr);

#endif
