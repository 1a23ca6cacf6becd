#include "server/run/drain.h"

#include "lib/worker_rig.h"

static unsigned closed_n;

static void note_closed(struct conn *c)
{
    (void)c;
    closed_n++;
}

static void limit_fired(struct wheel_timer *t)
{
    (void)t;
}

static const struct door door = {.name = "test", .closed = note_closed};

/* A worker that had settled was given a connection by another that had not: the second
 * time ends it, and waits for its end. */
static void a_late_connection_ends_too(void **state)
{
    static struct worker_rig rig;
    struct worker *w = &rig.worker;
    struct conn c;

    (void)state;
    worker_rig_init(&rig);
    wheel_init(&w->wheel, rig.now_ms);
    worker_rig_conn(&rig, &c);
    c.door = &door;
    c.recv.fd = -1;
    c.calls_n = 1; /* a command of it is with a room's owner: it is not freed yet */
    list_push(&w->conns, &c.node);
    w->conns_n = 1;
    w->index = 1;
    w->drain->limit.fire = limit_fired;
    lifecycle_go(&w->life, LIFE_CLOSING);
    lifecycle_go(&w->life, LIFE_SAVING);
    lifecycle_go(&w->life, LIFE_SETTLED);
    drain_again(w);
    assert_int_equal(closed_n, 1);
    assert_int_equal(c.state, CONN_CLOSED);
    drain_turn(w);
    assert_int_equal(lifecycle_at(&w->life), LIFE_CLOSING);
    wheel_cancel(&w->wheel, &w->drain->limit);
    worker_rig_fini(&rig);
}

CHECK_MAIN(cmocka_unit_test(a_late_connection_ends_too))
