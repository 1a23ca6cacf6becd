#include "server/node/bucket.h"

#include "lib/check.h"

static const struct bucket_rate rate = {.rate = 10, .burst = 20};

static void it_fills_and_empties(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, rate, UINT32_MAX - 100); /* the clock wraps */
    for (int i = 0; i < 20; i++)
        assert_int_equal(bucket_take(&b, rate, UINT32_MAX - 100, 1000), 0);
    assert_int_equal(bucket_take(&b, rate, UINT32_MAX - 100, 1000), 100);
    assert_int_equal(bucket_take(&b, rate, (uint64_t)UINT32_MAX, 1000), 0);
    assert_false(bucket_is_full(&b, rate, (uint64_t)UINT32_MAX + 1000));
    assert_true(bucket_is_full(&b, rate, (uint64_t)UINT32_MAX + 3000));
    assert_int_equal(bucket_take(&b, rate, (uint64_t)UINT32_MAX + 3000, 50000), 0);
}

static void what_was_taken_elsewhere_is_missing_here(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, rate, 1000);
    bucket_taken(&b, rate, 1000, 25000);
    assert_int_equal(bucket_take(&b, rate, 1000, 1000), 600);
    assert_int_equal(bucket_tell(&b, rate, false), 0); /* that is others' to tell */
    bucket_taken(&b, rate, 1000, UINT64_MAX);
    assert_int_equal(bucket_take(&b, rate, 1000, 1000), BUCKET_DEBT_S * 1000 + 100);
}

/* What was served cannot be refused any more: it is owed, and told. */
static void what_is_charged_is_owed(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, rate, 1000);
    bucket_charge(&b, rate, 1000, 25000);
    assert_int_equal(bucket_take(&b, rate, 1000, 1000), 600);
    assert_int_equal(bucket_tell(&b, rate, false), 25000);
    assert_int_equal(bucket_take(&b, rate, 1600, 1000), 0);
}

static void little_is_told_later(void **state)
{
    struct bucket b;

    (void)state;
    bucket_init(&b, rate, 1000);
    assert_int_equal(bucket_take(&b, rate, 1000, 2500), 0);
    assert_int_equal(bucket_tell(&b, rate, false), 0);
    assert_int_equal(bucket_take(&b, rate, 1000, 100), 0);
    assert_int_equal(bucket_tell(&b, rate, false), 2600);
    assert_int_equal(bucket_tell(&b, rate, false), 0);
    assert_int_equal(bucket_take(&b, rate, 1000, 100), 0);
    assert_int_equal(bucket_tell(&b, rate, true), 100);
}

/* Who takes all that any of n loops gives, each of which tells the others once a
 * second, gets what one would give, and for each loop a burst and what comes in
 * until it is told. */
static void greedy(unsigned n, unsigned seconds)
{
    struct bucket b[32];
    uint64_t got = 0;

    for (unsigned i = 0; i < n; i++)
        bucket_init(&b[i], rate, 0);
    for (uint64_t ms = 0; ms < seconds * 1000; ms += 10) {
        for (unsigned i = 0; i < n; i++) {
            while (bucket_take(&b[i], rate, ms, 1000) == 0)
                got++;
            if ((ms + i * 30) % 1000 == 0) {
                uint32_t told = bucket_tell(&b[i], rate, false);

                for (unsigned k = 0; told > 0 && k < n; k++)
                    if (k != i)
                        bucket_taken(&b[k], rate, ms, told);
            }
        }
    }
    assert_in_range(got, rate.rate * seconds, rate.rate * seconds + n * (rate.burst + rate.rate));
}

static void many_loops_are_as_one(void **state)
{
    (void)state;
    greedy(1, 30);
    greedy(2, 30);
    greedy(6, 30);
    greedy(32, 120);
}

CHECK_MAIN(cmocka_unit_test(it_fills_and_empties),
           cmocka_unit_test(what_was_taken_elsewhere_is_missing_here),
           cmocka_unit_test(what_is_charged_is_owed), cmocka_unit_test(little_is_told_later),
           cmocka_unit_test(many_loops_are_as_one))
