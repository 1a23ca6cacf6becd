#include "server/conn/limits.h"

#include "base/buf.h"
#include "base/str.h"
#include "lib/worker_rig.h"

static struct worker_rig rig;

static int begin(void **state)
{
    (void)state;
    worker_rig_init(&rig);
    rig.conf.messages_per_user = 10;
    rig.conf.messages_burst = 20;
    rig.conf.connects_per_address = 5;
    rig.conf.connects_burst = 10;
    return 0;
}

static int end(void **state)
{
    (void)state;
    worker_rig_fini(&rig);
    return 0;
}

static const struct io_addr there = {.family = IO_ADDR_IP4, .ip = {10, 1, 2, 3}};
static const struct limits_entry told[] = {
    {.user = 7, .spent = 15000},
    {.spent = 8000, .family = IO_ADDR_IP4, .ip = {10, 1, 2, 3}},
};

static void write_told(struct buf *b)
{
    buf_init(b, 1000);
    limits_begin(b);
    for (unsigned i = 0; i < COUNTOF(told); i++)
        limits_write(b, &told[i]);
}

static void what_is_written_is_read(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct limits_entry e;
    struct str rest;

    (void)state;
    write_told(&b);
    rest = buf_peek(&b);
    assert_true(limits_read_begin(&rest));
    for (unsigned i = 0; i < COUNTOF(told); i++) {
        assert_true(limits_read(&rest, &e));
        assert_memory_equal(&e, &told[i], sizeof(e));
    }
    assert_false(limits_read(&rest, &e));
    rest = STR("\x02p\x07\x01");
    assert_false(limits_read_begin(&rest)); /* of a later program */
    rest = STR("x\x07\x01");
    assert_false(limits_read(&rest, &e));
    rest = STR("a\x01 too short");
    assert_false(limits_read(&rest, &e));
}

static const struct io_addr home = {.family = IO_ADDR_IP6, .ip = {0x20, 1, 13, 184, [15] = 1}};

/* A household has 2^64 addresses, and counts as one. */
static void of_ip6_the_network_is_the_address(void **state)
{
    struct io_addr other = home, next = home;

    (void)state;
    other.ip[8] = 9;
    next.ip[7] = 1;
    for (int i = 0; i < 10; i++)
        assert_int_equal(limits_connect(&rig.worker, i % 2 == 0 ? &home : &other), 0);
    assert_int_equal(limits_connect(&rig.worker, &home), 200);
    assert_int_equal(limits_connect(&rig.worker, &other), 200);
    assert_int_equal(limits_connect(&rig.worker, &next), 0);
}

/* What shows a token later was not the address's. */
static void what_is_a_persons_is_given_back(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(limits_connect(&rig.worker, &there), 0);
        limits_give_back(&rig.worker, &there);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(limits_connect(&rig.worker, &there), 0);
    assert_int_equal(limits_connect(&rig.worker, &there), 200);
    for (int i = 0; i < 100; i++)
        assert_int_equal(limits_accept(&rig.worker, &there), 0);
    assert_int_equal(limits_accept(&rig.worker, &there), 20);
}

static void an_address_is_let_in_so_fast(void **state)
{
    struct io_addr other = there;

    (void)state;
    other.ip[3]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(limits_connect(&rig.worker, &there), 0);
    assert_int_equal(limits_connect(&rig.worker, &there), 200);
    assert_int_equal(limits_connect(&rig.worker, &other), 0);
    assert_int_equal(limits_connect(&rig.worker, &(struct io_addr){.family = IO_ADDR_UNIX}), 0);
    assert_int_equal(map_n(&rig.worker.addresses), 2);
    rig.now_ms += 2000;
    limits_second(&rig.worker);
    assert_int_equal(map_n(&rig.worker.addresses), 0);
}

static void what_others_tell_counts(void **state)
{
    struct person *ana = person_get(&rig.worker, &(struct caller){.user = 7});
    struct buf b CLEANUP(buf_fini);

    (void)state;
    assert_int_equal(person_spend(&rig.worker, ana, 10), 0);
    assert_int_equal(limits_connect(&rig.worker, &there), 0);
    write_told(&b);
    limits_heard(&rig.worker, buf_peek(&b));
    limits_heard(&rig.worker, STR("p\x07\x7f")); /* of no version */
    assert_int_equal(person_spend(&rig.worker, ana, 40), 0);
    assert_int_equal(person_spend(&rig.worker, ana, 10), 100);
    assert_int_equal(limits_connect(&rig.worker, &there), 0);
    assert_int_equal(limits_connect(&rig.worker, &there), 200);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

CHECK_MAIN(EACH(what_is_written_is_read), EACH(an_address_is_let_in_so_fast),
           EACH(of_ip6_the_network_is_the_address), EACH(what_is_a_persons_is_given_back),
           EACH(what_others_tell_counts))
