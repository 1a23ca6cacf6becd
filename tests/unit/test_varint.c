#include "base/rng.h"
#include "base/varint.h"
#include "lib/check.h"

static void check_one(uint64_t v, size_t want_n)
{
    uint8_t bytes[VARINT_N_MAX + 1];
    struct str rest = {bytes, (size_t)(varint_put(bytes, v) - bytes)};
    uint64_t got;

    assert_int_equal(rest.n, want_n);
    assert_int_equal(varint_size(v), want_n);
    for (size_t n = 0; n < want_n; n++) {
        struct str cut = {bytes, n};

        assert_false(varint_get(&cut, &got));
        assert_int_equal(cut.n, n);
    }
    bytes[rest.n++] = 0xff;
    assert_true(varint_get(&rest, &got));
    assert_true(got == v);
    assert_int_equal(rest.n, 1);
}

static void varint_round_trips_at_the_edges(void **state)
{
    (void)state;
    check_one(0, 1);
    for (unsigned n = 1; n < VARINT_N_MAX; n++) {
        uint64_t first = UINT64_C(1) << (7 * n);

        check_one(first - 1, n);
        check_one(first, n + 1);
    }
    check_one(UINT64_MAX, 10);
}

static void varint_refuses_other_spellings(void **state)
{
    static const struct str bad[] = {
        {(const uint8_t *)"\x80\x00", 2},
        {(const uint8_t *)"\xff\x80\x00", 3},
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", 11},
    };

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        struct str rest = bad[i];
        uint64_t v = 77;

        assert_false(varint_get(&rest, &v));
        assert_true(v == 77 && rest.p == bad[i].p && rest.n == bad[i].n);
    }
}

CHECK_MAIN(cmocka_unit_test(varint_round_trips_at_the_edges),
           cmocka_unit_test(varint_refuses_other_spellings))
