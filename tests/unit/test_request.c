#include "server/conn/request.h"

#include "base/str.h"
#include "lib/worker_rig.h"

#include <string.h>

static struct worker_rig rig;
static struct conn conn;
static unsigned answered_n;

static void answer(struct request *r)
{
    assert_ptr_equal(r->conn, &conn);
    answered_n++;
}

static int begin(void **state)
{
    (void)state;
    worker_rig_init(&rig);
    worker_rig_conn(&rig, &conn);
    rig.conf.history_max = 4096;
    rig.worker.index = 3;
    answered_n = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    worker_rig_fini(&rig);
    return 0;
}

static void it_keeps_a_copy_of_its_bytes(void **state)
{
    uint8_t text[] = "{\"action\":\"ping\"}";
    struct request *r = request_new(&conn, (struct str){text, sizeof(text) - 1}, answer);

    (void)state;
    text[0] = 'x';
    assert_int_equal(r->n, sizeof(text) - 1);
    assert_memory_equal(r->bytes, "{\"action\":\"ping\"}", r->n);
    assert_int_equal(conn.calls_n, 1);
    assert_int_equal(r->call.worker, 3);
    assert_ptr_equal(request_of(&r->call), r);
    request_end(r);
    assert_int_equal(conn.calls_n, 0);
    assert_int_equal(answered_n, 1);
    request_end(request_new(&conn, (struct str){0}, answer));
    assert_int_equal(answered_n, 2);
}

static void it_keeps_a_copy_of_who_calls(void **state)
{
    struct request *r = request_new(&conn, (struct str){0}, answer);
    char name[] = "ana", longest[300];
    struct caller who = {.user = 7, .name = str_of(name), .session = 9, .super = true};

    (void)state;
    request_who(r, &who);
    name[0] = 'x';
    assert_true(str_eq(r->call.who.name, STR("ana")));
    assert_true(r->call.who.user == 7 && r->call.who.session == 9 && r->call.who.super);
    memset(longest, 'x', sizeof(longest));
    who.name = (struct str){(uint8_t *)longest, sizeof(longest)};
    request_who(r, &who);
    assert_int_equal(r->call.who.name.n, 256);
    request_who(r, &(struct caller){0});
    assert_int_equal(r->call.who.user, 0);
    assert_int_equal(r->call.who.name.n, 0);
    request_end(r);
}

/* Nobody is answered on a connection that is closing; errors are counted. */
static void a_closed_connection_is_not_answered(void **state)
{
    struct request *r = request_new(&conn, (struct str){0}, answer);

    (void)state;
    r->call.error = ERROR_muted;
    conn.state = CONN_FLUSHING;
    request_end(r);
    assert_int_equal(answered_n, 0);
    assert_int_equal(worker_rig_metric(&rig, (enum metric)(METRIC_ERRORS + ERROR_muted - 1)), 1);
}

/* The last request in hand frees a closed connection, and only the last. */
static void the_last_request_buries_its_connection(void **state)
{
    struct conn *c;
    struct request *a, *b;

    (void)state;
    pool_init(&rig.worker.conn_pool, sizeof(*c));
    c = pool_get(&rig.worker.conn_pool);
    worker_rig_conn(&rig, c);
    c->recv.fd = -1;
    rig.worker.conns_n = 1;
    a = request_new(c, (struct str){0}, answer);
    b = request_new(c, (struct str){0}, answer);
    c->state = CONN_CLOSED;
    request_end(a);
    conn_bury(&rig.worker);
    assert_int_equal(rig.worker.conns_n, 1);
    request_end(b);
    conn_bury(&rig.worker);
    assert_int_equal(rig.worker.conns_n, 0);
    assert_int_equal(answered_n, 0);
    pool_fini(&rig.worker.conn_pool);
}

static void an_answered_request_is_not_answered_again(void **state)
{
    struct request *r = request_new(&conn, (struct str){0}, answer);

    (void)state;
    r->answer(r);
    r->answer = request_answered;
    request_end(r);
    assert_int_equal(answered_n, 1);
}

/* A long answer fits beside history's. */
static void answers_have_room(void **state)
{
    struct request *r = request_new(&conn, (struct str){0}, answer);

    (void)state;
    for (int i = 0; i < 1000; i++)
        for (int k = 0; k < 16; k++)
            json_out_str(&r->call.out, STR("0123456789012345678901234567890123456789012345678"));
    assert_false(r->call.ok.failed);
    request_end(r);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

CHECK_MAIN(EACH(it_keeps_a_copy_of_its_bytes), EACH(it_keeps_a_copy_of_who_calls),
           EACH(a_closed_connection_is_not_answered), EACH(the_last_request_buries_its_connection),
           EACH(an_answered_request_is_not_answered_again), EACH(answers_have_room))
