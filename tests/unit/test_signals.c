#include "io/signals.h"

#include "lib/io_rig.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static int value_seen;

static void caught(void *ctx, int number, int value)
{
    unsigned *seen = ctx;

    value_seen = value;
    *seen |= 1U << (unsigned)number;
}

static void signals_arrive_as_mail(void **state)
{
    static const int all[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    struct rig *r = *state;
    struct signals *s;
    unsigned seen = 0, wanted = 0;
    sigset_t before;

    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    assert_int_equal(signals_start(r->io, caught, &seen, &s), 0);
    for (size_t i = 0; i < COUNTOF(all); i++) {
        wanted |= 1U << (unsigned)all[i];
        assert_int_equal(kill(getpid(), all[i]), 0);
        while (seen != wanted)
            io_wait(r->io, IO_FOREVER); /* mail wakes it */
    }
    assert_int_equal(value_seen, 0);
    assert_int_equal(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42}), 0);
    while (value_seen != 42)
        io_wait(r->io, IO_FOREVER);
    assert_int_equal(kill(getpid(), SIGPIPE), 0); /* nothing happens */
    signals_stop(s);
    signals_stop(NULL);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(signals_arrive_as_mail, io_rig_epoll, io_rig_teardown))
