#include "server/conn/person.h"

#include "base/rng.h"
#include "base/str.h"
#include "lib/worker_rig.h"

static struct worker_rig rig;

static int begin(void **state)
{
    (void)state;
    worker_rig_init(&rig);
    rig.conf.messages_per_user = 10;
    rig.conf.messages_burst = 20;
    return 0;
}

static int end(void **state)
{
    (void)state;
    worker_rig_fini(&rig);
    return 0;
}

static struct person *person(uint64_t id)
{
    return person_get(&rig.worker, &(struct caller){.user = id, .name = STR("ana")});
}

static uint64_t spend(uint64_t id, unsigned cost)
{
    return person_spend(&rig.worker, person(id), cost * 10);
}

static void a_person_is_one(void **state)
{
    struct person *p = person(7);

    (void)state;
    assert_null(person_find(&rig.worker, 8));
    assert_ptr_equal(person(7), p);
    assert_ptr_equal(person_find(&rig.worker, 7), p);
    assert_true(str_eq(person_name(p), STR("ana")));
    assert_int_equal(map_n(&rig.worker.persons), 1);
}

static void connections_are_linked(void **state)
{
    struct person *p = person(7);
    struct conn c[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        worker_rig_conn(&rig, &c[i]);
        conn_take_person(&c[i], p);
        assert_ptr_equal(c[i].person, p);
    }
    assert_int_equal(rig.came_n, 1); /* the first of them */
    conn_drop_person(&c[1]);
    assert_null(c[1].person);
    assert_ptr_equal(p->conns, &c[2]);
    assert_ptr_equal(c[2].next_of_person, &c[0]);
    assert_null(c[0].next_of_person);
    conn_drop_person(&c[2]);
    conn_drop_person(&c[0]);
    assert_null(p->conns);
    assert_int_equal(rig.gone_n, 3);
}

static void a_burst_and_then_the_rate(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(spend(7, 1), 0);
    assert_int_equal(spend(7, 1), 100);
    assert_int_equal(spend(8, 1), 0); /* somebody else's */
    rig.now_ms += 99;
    assert_int_equal(spend(7, 1), 1);
    rig.now_ms += 1;
    assert_int_equal(spend(7, 1), 0);
    assert_int_equal(spend(7, 5), 500);
    rig.now_ms += 500;
    assert_int_equal(spend(7, 5), 0);
    assert_int_equal(spend(7, 0), 0);
    rig.now_ms += 1000000; /* no more than a burst comes together */
    for (int i = 0; i < 20; i++)
        assert_int_equal(spend(7, 1), 0);
    assert_int_equal(spend(7, 1), 100);
}

/* A command that costs more than a burst is not refused for ever. */
static void nothing_costs_more_than_a_burst(void **state)
{
    (void)state;
    rig.conf.messages_burst = 2;
    rig.conf.messages_per_user = 2;
    assert_int_equal(spend(7, 5), 0);
    assert_int_equal(spend(7, 5), 1000);
    rig.now_ms += 1000;
    assert_int_equal(spend(7, 5), 0);
}

static void without_a_limit_all_goes(void **state)
{
    (void)state;
    rig.conf.messages_per_user = 0;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(spend(7, 5), 0);
}

/* Over any time, what is spent keeps to burst + rate * time; and who waits as
 * long as was said may spend. */
static void the_bucket_keeps_its_promise(void **state)
{
    uint64_t begin_ms = rig.now_ms, spent = 0;
    struct rng rng;

    (void)state;
    rng_init(&rng, check_seed(5));
    for (int i = 0; i < 20000; i++) {
        unsigned cost = 1 + (unsigned)rng_below(&rng, 5);
        uint64_t wait = spend(7, cost);

        if (wait == 0) {
            spent += cost;
        } else if (rng_chance(&rng, 100)) {
            rig.now_ms += wait;
            assert_int_equal(spend(7, cost), 0);
            spent += cost;
        }
        rig.now_ms += rng_below(&rng, 300);
        assert_true(spent * 1000 <= 20 * 1000 + (rig.now_ms - begin_ms) * 10);
    }
    assert_true(spent > (rig.now_ms - begin_ms) / 1000 * 4);
}

/* Who has gone is remembered until the bucket is full: reconnecting fills nothing. */
static void who_has_gone_is_forgotten_later(void **state)
{
    struct conn c;

    (void)state;
    worker_rig_conn(&rig, &c);
    conn_take_person(&c, person(7));
    (void)spend(8, 20);
    (void)person(9);
    person_sweep(&rig.worker);
    assert_non_null(person_find(&rig.worker, 7));
    assert_non_null(person_find(&rig.worker, 8));
    assert_null(person_find(&rig.worker, 9));
    conn_drop_person(&c);
    rig.now_ms += 1999;
    person_sweep(&rig.worker);
    assert_null(person_find(&rig.worker, 7));
    assert_non_null(person_find(&rig.worker, 8));
    rig.now_ms += 1;
    person_sweep(&rig.worker);
    assert_null(person_find(&rig.worker, 8));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

CHECK_MAIN(EACH(a_person_is_one), EACH(connections_are_linked), EACH(a_burst_and_then_the_rate),
           EACH(nothing_costs_more_than_a_burst), EACH(without_a_limit_all_goes),
           EACH(the_bucket_keeps_its_promise), EACH(who_has_gone_is_forgotten_later))
