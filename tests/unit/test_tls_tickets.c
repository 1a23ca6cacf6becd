#include "io/tls_tickets.h"

#include "base/str.h"
#include "lib/check.h"

#define HOUR_S 3600
#define NOW_S 1800000000 /* in 2027 */
#define SECRET "a secret that two nodes have, and nobody else"

static bool knows(const struct tls_tickets *t, const struct tls_ticket_key *key)
{
    const struct tls_ticket_key *found = tls_tickets_find(t, key->name);

    if (found == NULL)
        return false;
    assert_memory_equal(found, key, sizeof(*key));
    return true;
}

static void a_key_is_good_for_its_period_and_the_next(void **state)
{
    struct tls_tickets t;
    struct tls_ticket_key first;

    (void)state;
    tls_tickets_init(&t, HOUR_S, NOW_S);
    first = t.now;
    tls_tickets_turn(&t, NOW_S + HOUR_S - 1);
    assert_memory_equal(&t.now, &first, sizeof(first));
    tls_tickets_turn(&t, NOW_S + HOUR_S);
    assert_memory_not_equal(&t.now, &first, sizeof(first));
    assert_true(knows(&t, &first));
    assert_true(knows(&t, &t.now));
    tls_tickets_turn(&t, NOW_S + 2 * HOUR_S - 1);
    assert_true(knows(&t, &first));
    tls_tickets_turn(&t, NOW_S + 2 * HOUR_S);
    assert_false(knows(&t, &first));
    tls_tickets_fini(&t);
}

/* Name, cipher and MAC, of every period: no two are the same. */
static void no_key_comes_twice(void **state)
{
    enum { PERIODS = 50, PARTS = 3 };
    struct tls_tickets t;
    uint8_t seen[PERIODS * PARTS][TLS_TICKETS_NAME];

    (void)state;
    tls_tickets_init(&t, HOUR_S, NOW_S);
    for (unsigned i = 0; i < PERIODS; i++) {
        memcpy(seen[PARTS * i], t.now.name, TLS_TICKETS_NAME);
        memcpy(seen[PARTS * i + 1], t.now.cipher, TLS_TICKETS_NAME);
        memcpy(seen[PARTS * i + 2], t.now.mac, TLS_TICKETS_NAME);
        tls_tickets_turn(&t, NOW_S + (i + 1) * HOUR_S);
    }
    for (unsigned i = 0; i < PERIODS * PARTS; i++)
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], TLS_TICKETS_NAME);
    tls_tickets_fini(&t);
}

/* Copies stay level, whenever each looks at its clock. */
static void the_loops_of_a_process_have_the_same_keys(void **state)
{
    struct tls_tickets a, b, other;

    (void)state;
    tls_tickets_init(&a, HOUR_S, NOW_S);
    tls_tickets_init(&other, HOUR_S, NOW_S);
    b = a;
    for (unsigned i = 1; i <= 5; i++)
        tls_tickets_turn(&a, NOW_S + i * HOUR_S);
    assert_false(knows(&b, &a.now));
    tls_tickets_turn(&b, NOW_S + 5 * HOUR_S);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_false(knows(&other, &a.now));
    tls_tickets_fini(&a);
    tls_tickets_fini(&b);
    tls_tickets_fini(&other);
}

/* Nodes that were started years apart. */
static void nodes_with_one_secret_have_the_same_keys(void **state)
{
    struct tls_tickets a, b, other;

    (void)state;
    tls_tickets_init_shared(&a, STR(SECRET), HOUR_S, NOW_S - 900 * HOUR_S);
    tls_tickets_init_shared(&b, STR(SECRET), HOUR_S, NOW_S);
    tls_tickets_init_shared(&other, STR(SECRET "."), HOUR_S, NOW_S);
    assert_false(knows(&b, &a.now));
    tls_tickets_turn(&a, NOW_S);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_false(knows(&other, &a.now));
    /* one whose clock is behind by less than a period */
    tls_tickets_init_shared(&other, STR(SECRET), HOUR_S, NOW_S - HOUR_S);
    assert_true(knows(&a, &other.now));
    tls_tickets_fini(&a);
    tls_tickets_fini(&b);
    tls_tickets_fini(&other);
}

static void a_clock_that_jumps_does_no_harm(void **state)
{
    struct tls_tickets t;
    struct tls_ticket_key first;

    (void)state;
    tls_tickets_init(&t, HOUR_S, 0);
    first = t.now;
    tls_tickets_turn(&t, HOUR_S);
    tls_tickets_turn(&t, 0);
    assert_int_equal(t.period, 1);
    assert_true(knows(&t, &first));
    tls_tickets_turn(&t, UINT64_MAX); /* and does not keep the loop */
    assert_int_equal(t.period, 1 + TLS_TICKETS_STEPS_MAX);
    tls_tickets_fini(&t);
    tls_tickets_init_shared(&t, STR(SECRET), HOUR_S, 0);
    assert_true(knows(&t, &t.now));
    tls_tickets_fini(&t);
    for (size_t i = 0; i < sizeof(t); i++)
        assert_int_equal(((uint8_t *)&t)[i], 0);
}

CHECK_MAIN(cmocka_unit_test(a_key_is_good_for_its_period_and_the_next),
           cmocka_unit_test(no_key_comes_twice),
           cmocka_unit_test(the_loops_of_a_process_have_the_same_keys),
           cmocka_unit_test(nodes_with_one_secret_have_the_same_keys),
           cmocka_unit_test(a_clock_that_jumps_does_no_harm))
