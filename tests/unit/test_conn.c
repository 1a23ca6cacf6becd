#include "server/conn/conn.h"

#include "base/str.h"
#include "lib/conn_held.h"
#include "lib/worker_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)1024 * 1024)
#define PIECES_MAX 64

static struct worker_rig rig;
static struct conn conn;
static struct door door;
static uint8_t *piece;
static unsigned closed_n;

static void closed(struct conn *c)
{
    assert_ptr_equal(c, &conn);
    closed_n++;
}

static unsigned closed_any_n;

static void closed_any(struct conn *c)
{
    (void)c;
    closed_any_n++;
}

static void fire(struct wheel_timer *t)
{
    (void)t;
}

static int begin(void **state)
{
    (void)state;
    worker_rig_init(&rig);
    worker_rig_conn(&rig, &conn);
    wheel_init(&rig.worker.wheel, rig.now_ms);
    door = (struct door){.name = "test", .closed = closed};
    conn.door = &door;
    conn.timer.fire = fire;
    conn.recv.fd = -1;
    piece = calloc(1, PIECE);
    closed_n = 0;
    return piece != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(piece);
    worker_rig_fini(&rig);
    return 0;
}

/* True while it takes more. */
static bool send_piece(void)
{
    bool taken = conn_send(&conn, (struct str){piece, PIECE});

    assert_int_equal(conn.state, CONN_OPEN);
    assert_int_equal(closed_n, 0);
    return taken;
}

static void it_frees_nothing_where_too_much_is_sent(void **state)
{
    unsigned n = 0;

    (void)state;
    while (n < PIECES_MAX && send_piece())
        n++;
    assert_in_range(n, 1, PIECES_MAX - 1);
    assert_int_equal(conn_held(&conn), 0); /* nobody will be sent it */
    assert_false(list_empty(&conn.dirty));
    for (unsigned i = 0; i < 3; i++)
        assert_false(send_piece());
    conn_sent(&conn);
    assert_non_null(conn_out(&conn));
    assert_int_equal(conn_held(&conn), 0);
    list_remove(&conn.dirty); /* as the worker does */
    conn_flush(&conn);
    assert_int_equal(closed_n, 1);
    assert_int_equal(conn.state, CONN_CLOSED);
    assert_int_equal(conn.reason, METRIC_close_memory);
    assert_null(conn_out(&conn));
    assert_int_equal(conn_held(&conn), 0);
}

static void it_goes_also_if_it_is_finished_meanwhile(void **state)
{
    (void)state;
    conn_fail(&conn, METRIC_close_memory);
    assert_false(send_piece());
    conn_finish(&conn, METRIC_close_client);
    conn_fail(&conn, METRIC_close_gone);
    list_remove(&conn.dirty);
    conn_flush(&conn);
    assert_int_equal(closed_n, 1);
    assert_int_equal(conn.state, CONN_CLOSED);
}

/* Those that keep the most go, and no more of them than must. */
static void the_worst_make_room(void **state)
{
    static const size_t pieces[] = {1, 6, 2, 7, 1};
    struct conn conns[COUNTOF(pieces)];
    uint64_t kept;

    (void)state;
    closed_any_n = 0;
    door.closed = closed_any;
    for (size_t i = 0; i < COUNTOF(pieces); i++) {
        worker_rig_conn(&rig, &conns[i]);
        conns[i].door = &door;
        conns[i].timer.fire = fire;
        conns[i].recv.fd = -1;
        list_push(&rig.worker.conns, &conns[i].node);
        for (size_t k = 0; k < pieces[i]; k++)
            assert_true(conn_send(&conns[i], (struct str){piece, PIECE}));
        assert_true(conns[i].kept >= pieces[i] * PIECE);
    }
    kept = rig.worker.kept;
    assert_true(kept >= 17 * PIECE);
    assert_int_equal(conn_relieve(&rig.worker, kept), 0);
    assert_int_equal(conn_relieve(&rig.worker, kept - 1), 1);
    assert_int_equal(conn_relieve(&rig.worker, 6 * PIECE), 1);
    for (size_t i = 0; i < COUNTOF(pieces); i++)
        assert_int_equal(conns[i].state, pieces[i] >= 6 ? CONN_CLOSED : CONN_OPEN);
    assert_int_equal(conn_relieve(&rig.worker, 0), 3);
    assert_int_equal(rig.worker.kept, 0);
    assert_int_equal(closed_any_n, COUNTOF(pieces));
}

/* A connection that ends while a send is under way keeps the bytes until the send is back. */
static void what_a_cancelled_send_carried_counts_no_more(void **state)
{
    struct io_op *op;

    (void)state;
    conn.recv.fd = 1;
    list_push(&rig.worker.conns, &conn.node);
    assert_true(send_piece());
    list_remove(&conn.dirty);
    conn_flush(&conn);
    assert_non_null(conn.flight);
    op = &conn.flight->op;
    conn_drop(&conn, METRIC_close_gone);
    assert_true(rig.worker.kept >= PIECE);
    op->in_flight = false;
    op->done(op, -ECANCELED, NULL);
    assert_null(conn.flight);
    assert_int_equal(rig.worker.kept, 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

CHECK_MAIN(EACH(it_frees_nothing_where_too_much_is_sent), EACH(the_worst_make_room),
           EACH(it_goes_also_if_it_is_finished_meanwhile),
           EACH(what_a_cancelled_send_carried_counts_no_more))
