#include "chat/people/guesses.h"

#include "lib/check.h"

#define OWNER 7u   /* a name */
#define HOME 100u  /* a place that is known to it */
#define CAFE 101u  /* one that is not */
#define ENEMY 666u /* where guesses come from */

static const struct guess enemy = {OWNER, ENEMY, false};

/* Guesses without end, as fast as they may; returns how many there were until `until`. */
static unsigned hammer(struct guesses *g, struct guess at, uint64_t *now, uint64_t until)
{
    unsigned n = 0;

    while (*now < until) {
        uint64_t wait = guesses_take(g, &at, *now);

        if (wait == 0)
            n++;
        *now += wait;
    }
    return n;
}

static void delays_grow_and_end(void **state)
{
    struct guesses g;
    uint64_t now = 1000, wait, last = 0;

    (void)state;
    guesses_init(&g);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(guesses_take(&g, &enemy, now), 0);
    for (unsigned i = 0; i < 20; i++) {
        wait = guesses_take(&g, &enemy, now);
        assert_in_range(wait, last > 0 ? last : 1000, 900000);
        last = wait;
        now += wait;
        assert_int_equal(guesses_take(&g, &enemy, now), 0);
    }
    assert_int_equal(last, 900000);
    now += 3600001; /* nobody is locked out for good */
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(guesses_take(&g, &enemy, now), 0);
    guesses_fini(&g);
}

/* A day of guesses at one name from one place, from many places, and at many names. */
static void a_day_gives_few_guesses(void **state)
{
    struct guesses g;
    uint64_t now = 1000;

    (void)state;
    guesses_init(&g);
    assert_in_range(hammer(&g, enemy, &now, 86400000), 50, 130);
    guesses_fini(&g);
    guesses_init(&g);
    now = 1000;
    for (unsigned n = 0, i = 0; now < 86400000; i++) {
        struct guess from = {OWNER, 1000 + i, false}; /* a new place each time */
        uint64_t wait = guesses_take(&g, &from, now);

        n += wait == 0 ? 1 : 0;
        assert_in_range(n, 0, 130);
        now += wait;
    }
    guesses_fini(&g);
    guesses_init(&g);
    now = 1000;
    for (unsigned n = 0, i = 0; now < 86400000; i++) {
        struct guess at = {1000 + i, ENEMY, false}; /* another name each time */
        uint64_t wait = guesses_take(&g, &at, now);

        n += wait == 0 ? 1 : 0;
        assert_in_range(n, 0, 140);
        now += wait;
    }
    guesses_fini(&g);
}

static void the_owner_comes_in_from_home(void **state)
{
    struct guesses g;
    struct guess home = {OWNER, HOME, true}, cafe = {OWNER, CAFE, false};
    uint64_t now = 1000;

    (void)state;
    guesses_init(&g);
    (void)hammer(&g, enemy, &now, 7200000);
    assert_int_equal(guesses_take(&g, &enemy, now), 0);
    assert_int_not_equal(guesses_take(&g, &cafe, now), 0); /* a stranger, as far as one can tell */
    assert_int_equal(guesses_take(&g, &home, now), 0);
    guesses_right(&g, &home);
    for (unsigned i = 0; i < 5; i++) /* and mistypes */
        assert_int_equal(guesses_take(&g, &home, now), 0);
    assert_in_range(guesses_take(&g, &home, now), 1, 60000);
    now += 60000;
    assert_int_equal(guesses_take(&g, &home, now), 0);
    guesses_right(&g, &home);
    assert_int_equal(guesses_take(&g, &home, now), 0);
    guesses_fini(&g);
}

/* Who has an account of their own clears nothing by it but what it cost them. */
static void a_right_one_resets_no_other(void **state)
{
    struct guesses g;
    struct guess own = {8, ENEMY, false};
    uint64_t now = 1000;
    unsigned n = 0;

    (void)state;
    guesses_init(&g);
    for (unsigned i = 0; i < 1000; i++) {
        struct guess at = {1000 + i, ENEMY, false};

        n += guesses_take(&g, &at, now) == 0 ? 1 : 0;
        if (guesses_take(&g, &own, now) == 0)
            guesses_right(&g, &own);
    }
    assert_in_range(n, 1, 20);
    guesses_fini(&g);
}

static void what_is_right_costs_nothing(void **state)
{
    struct guesses g;
    struct guess own = {8, CAFE, false};

    (void)state;
    guesses_init(&g);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(guesses_take(&g, &own, 1000), 0);
        guesses_right(&g, &own);
    }
    guesses_fini(&g);
}

static void no_more_than_so_many_are_kept(void **state)
{
    struct guesses g;

    (void)state;
    guesses_init(&g);
    for (unsigned i = 0; i < GUESSES_MAX + 100; i++)
        guesses_note(&g, &(struct guess){i + 1, i + 1, false}, 1000);
    assert_int_equal(map_n(&g.buckets), GUESSES_MAX);
    guesses_fini(&g);
}

CHECK_MAIN(cmocka_unit_test(delays_grow_and_end), cmocka_unit_test(a_day_gives_few_guesses),
           cmocka_unit_test(the_owner_comes_in_from_home),
           cmocka_unit_test(a_right_one_resets_no_other),
           cmocka_unit_test(what_is_right_costs_nothing),
           cmocka_unit_test(no_more_than_so_many_are_kept))
