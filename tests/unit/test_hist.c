#include "base/hist.h"
#include "base/rng.h"
#include "lib/check.h"

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void hist_of_nothing_is_zero(void **state)
{
    static struct hist h;

    (void)state;
    hist_init(&h);
    hist_add(&h, 5, 0);
    assert_true(hist_quantile(&h, 0.5) == 0 && hist_max(&h) == 0 && h.n == 0);
    assert_true(hist_mean(&h) == 0);
}

static void hist_is_exact_below_256(void **state)
{
    static struct hist h;

    (void)state;
    hist_init(&h);
    for (uint64_t v = 0; v < 256; v++)
        hist_add(&h, v, 3);
    assert_true(hist_quantile(&h, 0) == 0);
    assert_true(hist_quantile(&h, 0.5) == 127);
    assert_true(hist_quantile(&h, 0.25) == 63);
    assert_true(hist_quantile(&h, 1) == 255);
    assert_true(hist_mean(&h) == 127.5);
}

/* Each power of two, its neighbours, and the greatest value: in a bucket of
 * their own size, and never reported as less or as 0.8 % more. */
static void hist_holds_all_of_64_bits(void **state)
{
    static struct hist h;

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit, values[] = {power - 1, power, power + 1};

        for (size_t i = 0; i < COUNTOF(values); i++) {
            uint64_t v = values[i], got;

            hist_init(&h);
            hist_add(&h, v, 1);
            hist_add(&h, UINT64_MAX, 1);
            got = hist_quantile(&h, 0.5);
            assert_true(got >= v && got - v <= v / 128);
        }
    }
    assert_true(hist_quantile(&h, 1) == UINT64_MAX && hist_max(&h) == UINT64_MAX);
}

static void hist_agrees_with_sorting(void **state)
{
    enum { N = 20000 };
    static struct hist all;
    static uint64_t values[N];
    struct rng r;

    (void)state;
    rng_init(&r, check_seed(3));
    hist_init(&all);
    for (size_t i = 0; i < N; i++) {
        values[i] = rng_u64(&r) >> rng_below(&r, 50);
        hist_add(&all, values[i], 1);
    }
    qsort(values, N, sizeof(values[0]), by_value);
    assert_true(all.n == N && hist_max(&all) == values[N - 1]);
    for (size_t i = 1; i <= 1000; i++) {
        uint64_t want = values[i * N / 1000 - 1], got = hist_quantile(&all, (double)i / 1000);

        assert_true(got >= want && got - want <= want / 128);
    }
}

CHECK_MAIN(cmocka_unit_test(hist_of_nothing_is_zero), cmocka_unit_test(hist_is_exact_below_256),
           cmocka_unit_test(hist_holds_all_of_64_bits), cmocka_unit_test(hist_agrees_with_sorting))
