#include "chat/room/crowd.h"

#include "base/str.h"
#include "lib/check.h"

static const struct presence_person people[] = {{7, {(const uint8_t *)"ana", 3}},
                                                {300, {(const uint8_t *)"bo", 2}}};

static void what_is_written_is_read(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct crowd c;

    (void)state;
    buf_init(&b, 100);
    crowd_begin(&b, 2, true, true);
    for (unsigned i = 0; i < 2; i++)
        crowd_add(&b, &people[i]);
    assert_true(crowd_is(buf_peek(&b)) && crowd_read(buf_peek(&b), &c));
    assert_true(c.listed && c.asks && c.n == 2);
    for (unsigned i = 0; i < 2; i++) {
        struct presence_person person = crowd_next(&c);

        assert_int_equal(person.user, people[i].user);
        assert_true(str_eq(person.name, people[i].name));
    }
}

static void what_is_cut_or_changed_is_none(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct crowd c;
    struct str bytes;

    (void)state;
    buf_init(&b, 100);
    crowd_begin(&b, 2, true, false);
    for (unsigned i = 0; i < 2; i++)
        crowd_add(&b, &people[i]);
    bytes = buf_peek(&b);
    for (size_t n = 0; n < bytes.n; n++)
        assert_false(crowd_read((struct str){bytes.p, n}, &c));
    assert_true(crowd_read(STR("\x01\x01\x02\x05"), &c) && c.n == 5 && !c.listed && c.asks);
    assert_false(crowd_read(STR("\x01\x02\x02\x05"), &c)); /* of a later program */
    assert_false(crowd_read(STR("\x01\x01\x04\x05"), &c));
    assert_false(crowd_read(STR("\x01\x01\x02\x05x"), &c));
    assert_false(crowd_is(STR("{\"event\":\"typing\"}")));
    assert_false(crowd_is((struct str){0}));
}

CHECK_MAIN(cmocka_unit_test(what_is_written_is_read),
           cmocka_unit_test(what_is_cut_or_changed_is_none))
