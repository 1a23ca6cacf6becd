/* acceptor.h: a socket that listens; each connection that comes becomes an inlet
 * (gateway/inlet.h). After an accept that failed (no descriptors, say) it rests for a moment
 * and goes on. One thread. */
#ifndef GATEWAY_ACCEPTOR_H
#define GATEWAY_ACCEPTOR_H

#include "gateway/inlet.h"

struct acceptor_options {
    struct inlet_set *set;
    struct io *io;    /* the loop that accepts */
    struct io *above; /* whose the inlets are: the loop itself, or TLS above it */
    const struct inlet_ops *ops;
    void *owner; /* of ops */
    size_t body_max;
};

/* Embedded in its owner; zeroed before acceptor_open. */
struct acceptor {
    struct acceptor_options o;
    struct io_op op;
    struct wheel_timer rest; /* after a failed accept */
    bool open, closing;
};

/* Listens, and accepts nothing yet. 0 and which address it got, or -errno: then there is
 * nothing to close. */
int acceptor_open(struct acceptor *a, const struct acceptor_options *o, const struct io_addr *addr,
                  struct io_addr *ret_addr) MUST_CHECK;

/* Accepts from now on. */
void acceptor_start(struct acceptor *a);

/* Accepts nothing more. Fine if it is not open. */
void acceptor_close(struct acceptor *a);

/* Whether it is closed and nothing of it is in flight; its socket has been closed then. Fine
 * if it never was open. */
bool acceptor_fini(struct acceptor *a) MUST_CHECK;

#endif
