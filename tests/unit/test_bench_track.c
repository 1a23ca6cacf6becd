#include "bench/pace.h"
#include "bench/track.h"

#include "lib/check.h"

static void order_gaps_and_repeats(void **state)
{
    struct track t = {.cursor = 10};
    uint64_t missed = 0;

    (void)state;
    assert_int_equal(track_entry(&t, 11, &missed), TRACK_NEXT);
    assert_int_equal(track_entry(&t, 11, &missed), TRACK_REPEAT);
    assert_int_equal(track_entry(&t, 15, &missed), TRACK_GAP);
    assert_int_equal(missed, 3);
    assert_int_equal(track_entry(&t, 13, &missed), TRACK_REPEAT);
    assert_int_equal(t.cursor, 15);
    assert_int_equal(track_entry(&t, 16, &missed), TRACK_NEXT);
}

static void pages_fill_a_hole(void **state)
{
    struct track_hole h = {.next = 10, .to = 100};

    (void)state;
    assert_int_equal(track_page(&h, 11, 60, 50, 0), 0);
    assert_int_equal(h.next, 60);
    assert_int_equal(track_page(&h, 63, 80, 16, 2), 4);
    assert_int_equal(h.next, 80);
    assert_int_equal(track_page(&h, 81, 120, 40, 0), 0);
    assert_int_equal(h.next, h.to);
}

static void a_page_that_brings_nothing_ends_the_hole(void **state)
{
    struct track_hole empty = {.next = 10, .to = 100}, old = {.next = 10, .to = 100};

    (void)state;
    assert_int_equal(track_page(&empty, 0, 0, 0, 0), 90);
    assert_int_equal(empty.next, empty.to);
    assert_int_equal(track_page(&old, 3, 9, 7, 0), 90);
    assert_int_equal(old.next, old.to);
}

static void a_rate_is_kept_over_any_time(void **state)
{
    struct pace p;
    uint64_t due = 0, n = 0;

    (void)state;
    pace_init(&p, 500, 7);
    assert_true(pace_take(&p, 500, &due));
    assert_int_equal(due, 500);
    assert_false(pace_take(&p, 500 + 142856, &due));
    assert_int_equal(due, 500);
    while (pace_take(&p, 500 + 3600ull * 1000000, &due))
        n++;
    assert_int_equal(n, 7 * 3600);
    assert_int_equal(due, 500 + 3600ull * 1000000);
    pace_init(&p, 0, 0);
    assert_false(pace_take(&p, UINT64_MAX - 1, &due));
}

CHECK_MAIN(cmocka_unit_test(order_gaps_and_repeats), cmocka_unit_test(pages_fill_a_hole),
           cmocka_unit_test(a_page_that_brings_nothing_ends_the_hole),
           cmocka_unit_test(a_rate_is_kept_over_any_time))
