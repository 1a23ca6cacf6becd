#include "base/rng.h"
#include "lib/check.h"

/* The first outputs from the state 1, 2, 3, 4, as rand_xoshiro's tests have
 * them from the authors' C code. */
static void rng_gives_the_published_values(void **state)
{
    struct rng r = {{1, 2, 3, 4}};

    (void)state;
    assert_true(rng_u64(&r) == 11520);
    assert_true(rng_u64(&r) == 0);
    assert_true(rng_u64(&r) == 1509978240);
    assert_true(rng_u64(&r) == UINT64_C(1215971899390074240));
}

static void rng_repeats(void **state)
{
    struct rng a, b, c;
    bool differs = false;

    (void)state;
    rng_init(&a, 0);
    rng_init(&b, 0);
    rng_init(&c, 1);
    for (int i = 0; i < 100; i++) {
        uint64_t v = rng_u64(&a);

        assert_true(v == rng_u64(&b));
        differs |= v != rng_u64(&c);
    }
    assert_true(differs);
}

static void rng_spreads_evenly(void **state)
{
    enum { N = 7, ROUNDS = 70000 };
    unsigned counts[N] = {0}, hits = 0;
    struct rng r;

    (void)state;
    rng_init(&r, check_seed(42));
    for (int i = 0; i < ROUNDS; i++) {
        counts[rng_below(&r, N)]++;
        hits += rng_chance(&r, 250);
        assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
        assert_true(rng_below(&r, 1) == 0);
    }
    for (int i = 0; i < N; i++)
        assert_in_range(counts[i], 9400, 10600);
    assert_in_range(hits, 16800, 18200);
    assert_false(rng_chance(&r, 0));
    assert_true(rng_chance(&r, 1000));
}

CHECK_MAIN(cmocka_unit_test(rng_gives_the_published_values), cmocka_unit_test(rng_repeats),
           cmocka_unit_test(rng_spreads_evenly))
