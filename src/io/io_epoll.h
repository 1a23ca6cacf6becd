/* io_epoll.h: struct io over Linux epoll, edge-triggered. Loops are made by
 * their host (io/host.h); this is for it and for TLS's tests. */
#ifndef IO_IO_EPOLL_H
#define IO_IO_EPOLL_H

#include "io/io.h"

/* 0 or -errno. Freed with io_free. */
int io_epoll_new(struct io **ret_io) MUST_CHECK;

#endif
