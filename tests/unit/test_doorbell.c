#include "chat/model/doorbell.h"

#include "base/str.h"
#include "lib/check.h"

static void what_is_written_is_read(void **state)
{
    const struct str entries[] = {STR("one"), STR(""), STR("three")};
    struct buf b CLEANUP(buf_fini);
    struct doorbell d;

    (void)state;
    buf_init(&b, 100);
    doorbell_write(&b, 1ull << 50, entries, 3);
    assert_true(doorbell_read(buf_peek(&b), &d));
    assert_int_equal(d.epoch, 1ull << 50);
    assert_int_equal(d.n, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_true(str_eq(doorbell_next(&d), entries[i]));
}

static void what_is_cut_or_changed_is_none(void **state)
{
    const struct str entries[] = {STR("one"), STR("two")};
    struct buf b CLEANUP(buf_fini);
    struct doorbell d;
    struct str bytes;

    (void)state;
    buf_init(&b, 100);
    doorbell_write(&b, 7, entries, 2);
    bytes = buf_peek(&b);
    for (size_t n = 0; n < bytes.n; n++)
        assert_false(doorbell_read((struct str){bytes.p, n}, &d));
    assert_false(doorbell_read(STR("\x02\x07\x01\x01x"), &d)); /* of a later program */
    assert_false(doorbell_read(STR("\x01\x07\x01\x01xy"), &d));
    assert_false(doorbell_read((struct str){(const uint8_t *)"\x01\x07\x00", 3}, &d));
    assert_false(doorbell_read((struct str){(const uint8_t *)"\x01\x00\x01\x01x", 5}, &d));
    assert_true(doorbell_read(STR("\x01\x07\x01\x01x"), &d));
}

static void what_is_too_long_fails(void **state)
{
    const struct str entry = STR("0123456789");
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 12);
    doorbell_write(&b, 7, &entry, 1);
    assert_true(b.failed);
}

/* What fits is what can be written, to the byte. */
static void as_many_as_fit(void **state)
{
    static uint8_t filler[300];
    const struct str entries[] = {STR("one"), STR(""), {filler, 200}, {filler, 10}};

    (void)state;
    for (size_t max = 0; max < 300; max++) {
        unsigned n = doorbell_fits(300, entries, 4, max);
        struct buf b CLEANUP(buf_fini);

        buf_init(&b, max);
        if (n > 0)
            doorbell_write(&b, 300, entries, n);
        assert_false(b.failed);
        buf_clear(&b);
        if (n < 4)
            doorbell_write(&b, 300, entries, n + 1);
        assert_true(n == 4 || b.failed);
    }
    assert_int_equal(doorbell_fits(1, entries, 4, SIZE_MAX), 4);
}

CHECK_MAIN(cmocka_unit_test(what_is_written_is_read),
           cmocka_unit_test(what_is_cut_or_changed_is_none),
           cmocka_unit_test(what_is_too_long_fails), cmocka_unit_test(as_many_as_fit))
