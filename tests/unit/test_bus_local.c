#include "bus/bus.h"
#include "io/host.h"
#include "lib/check.h"

static void heard(void *ctx, const struct bus_event *event)
{
    (void)event;
    ++*(int *)ctx;
}

/* A ring does not come back to the node that rang, and there is no other. */
static void nobody_else_hears(void **state)
{
    struct bus *b = bus_local_new();
    struct io_host *host;
    struct io *io;
    int n = 0;

    (void)state;
    assert_int_equal(host_epoll_new(&host), 0);
    assert_int_equal(host_io_new(host, &io), 0);
    bus_attach(b, io, heard, &n);
    bus_follow(b, io, STR("room"), true);
    bus_ring(b, STR("room"), 1, STR("bytes"));
    bus_cast(b, STR("room"), STR("typing"));
    io_wait(io, io_now_ms(io) + 1);
    bus_follow(b, io, STR("room"), false);
    assert_int_equal(n, 0);
    assert_false(bus_degraded(b));
    bus_close(b);
    io_free(io);
    host_free(host);
}

CHECK_MAIN(cmocka_unit_test(nobody_else_hears))
