#include "server/conn/work.h"

#include "base/str.h"
#include "lib/worker_rig.h"
#include "server/conn/request.h"

static struct worker_rig rig;
static struct conn conn;
static struct person person;

static int begin(void **state)
{
    (void)state;
    worker_rig_init(&rig);
    worker_rig_conn(&rig, &conn);
    rig.conf.work_max = 1 << 20;
    rig.conf.work_before_login = 128 << 10;
    rig.conf.frame_max = 64 << 10;
    rig.conf.history_max = 4096;
    return 0;
}

static int end(void **state)
{
    (void)state;
    conn.person = NULL;
    worker_rig_fini(&rig);
    return 0;
}

/* How many times n bytes may be unpacked at once. */
static unsigned unpacks(size_t n)
{
    unsigned times = 0;

    for (; !work_is_over(&conn) && times < 100000; times++)
        work_unpacked(&conn, n);
    return times;
}

static void little_is_unpacked_before_login(void **state)
{
    (void)state;
    assert_int_equal(unpacks(8 << 10), 17); /* 128k, and the one that is too much */
    conn.person = &person;
    assert_false(work_is_over(&conn));
    assert_int_equal(unpacks(64 << 10), 14); /* 136k went before */
    assert_int_equal(worker_rig_metric(&rig, METRIC_bytes_unpacked), (17 * 8 + 14 * 64) << 10);
}

static void a_quarter_comes_back_each_second(void **state)
{
    (void)state;
    conn.person = &person;
    assert_int_equal(unpacks(64 << 10), 17);
    rig.now_ms += 1000;
    assert_int_equal(unpacks(64 << 10), 4);
    rig.now_ms += 1000;
    assert_int_equal(unpacks(64 << 10), 4);
    rig.now_ms += 60000;
    assert_int_equal(unpacks(64 << 10), 17);
    rig.now_ms += UINT64_C(65536) * 1000; /* the seconds are kept in 16 bits */
    assert_true(work_is_over(&conn));
    rig.now_ms += 1000;
    assert_false(work_is_over(&conn));
}

/* What a person's own limit bounds, such as sends, does not count: only the rest adds up. */
static void what_is_paid_for_does_not_count(void **state)
{
    (void)state;
    conn.person = &person;
    for (int i = 0; i < 10000; i++) {
        assert_false(work_is_over(&conn));
        work_unpacked(&conn, 4000);
        work_paid(&conn, 4000);
    }
    work_paid(&conn, 1 << 20); /* never more than there is */
    assert_int_equal(unpacks(64 << 10), 17);
}

static void no_answer(struct request *r)
{
    (void)r;
}

/* A request that ends with that error. */
static void refuse(enum error_code code, struct request *parent)
{
    struct request *r = request_new(&conn, STR("{}"), no_answer);

    r->call.error = code;
    if (parent != NULL)
        conn.children_n++;
    r->parent = parent;
    request_end(r);
}

static unsigned refusals(enum error_code code)
{
    unsigned times = 0;

    for (; !work_is_over(&conn) && times < 100000; times++)
        refuse(code, NULL);
    return times;
}

static void what_is_refused_counts(void **state)
{
    (void)state;
    assert_int_equal(refusals(ERROR_bad_json), 129);
    conn.person = &person;
    rig.now_ms += 60000;
    assert_int_equal(refusals(ERROR_rate_limited), 1025);
}

static void what_succeeds_and_what_fails_here_does_not(void **state)
{
    struct request *parent = request_new(&conn, (struct str){0}, no_answer);

    (void)state;
    conn.person = &person;
    assert_int_equal(refusals(ERROR_NONE), 100000);
    assert_int_equal(refusals(ERROR_store_failed), 100000);
    for (int i = 0; i < 5000; i++) /* the rooms of one resume: that is one command */
        refuse(ERROR_no_such_room, parent);
    assert_false(work_is_over(&conn));
    request_end(parent);
}

static void a_limit_can_be_lifted(void **state)
{
    (void)state;
    rig.conf.work_max = 0;
    assert_int_equal(refusals(ERROR_bad_json), 100000);
    rig.conf.work_max = 1 << 20;
    rig.server.o.echo = true;
    assert_int_equal(unpacks(1 << 20), 100000);
}

/* A message that may come in may be unpacked too, once. */
static void it_is_never_less_than_a_message(void **state)
{
    (void)state;
    conn.person = &person;
    rig.conf.frame_max = 4 << 20;
    assert_int_equal(unpacks(4 << 20), 3);
}

#define WITH_CONN(body) cmocka_unit_test_setup_teardown(body, begin, end)

CHECK_MAIN(WITH_CONN(little_is_unpacked_before_login), WITH_CONN(a_quarter_comes_back_each_second),
           WITH_CONN(what_is_paid_for_does_not_count), WITH_CONN(what_is_refused_counts),
           WITH_CONN(what_succeeds_and_what_fails_here_does_not), WITH_CONN(a_limit_can_be_lifted),
           WITH_CONN(it_is_never_less_than_a_message))
