#include "gateway/acceptor.h"

#include <errno.h>

enum { REST_MS = 50 };

static void acceptor_accepted(struct io_op *op, int result, uint8_t *data)
{
    struct acceptor *a = CONTAINER_OF(op, struct acceptor, op);

    (void)data;
    if (a->closing) {
        if (result >= 0)
            io_close(a->o.io, result);
        return;
    }
    if (result >= 0)
        (void)inlet_open(a->o.set, a->o.above, result, a->o.ops, a->o.owner, a->o.body_max);
    if (result >= 0)
        io_accept(a->o.io, &a->op);
    else
        wheel_set(a->o.set->wheel, &a->rest, io_now_ms(a->o.io) + REST_MS);
}

static void acceptor_rested(struct wheel_timer *t)
{
    struct acceptor *a = CONTAINER_OF(t, struct acceptor, rest);

    io_accept(a->o.io, &a->op);
}

int acceptor_open(struct acceptor *a, const struct acceptor_options *o, const struct io_addr *addr,
                  struct io_addr *ret_addr)
{
    int fd, r = io_listen(o->io, addr, &fd);

    if (r < 0)
        return r;
    *a = (struct acceptor){.o = *o, .open = true};
    a->op = (struct io_op){.done = acceptor_accepted, .fd = fd};
    a->rest.fire = acceptor_rested;
    io_local(o->io, fd, ret_addr);
    return 0;
}

void acceptor_start(struct acceptor *a)
{
    assert(a->open && !a->closing);
    io_accept(a->o.io, &a->op);
}

void acceptor_close(struct acceptor *a)
{
    if (!a->open || a->closing)
        return;
    a->closing = true;
    wheel_cancel(a->o.set->wheel, &a->rest);
    io_cancel(a->o.io, &a->op);
}

bool acceptor_fini(struct acceptor *a)
{
    if (!a->open)
        return true;
    if (!a->closing || a->op.in_flight)
        return false;
    io_close(a->o.io, a->op.fd);
    a->open = false;
    return true;
}
