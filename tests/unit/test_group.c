#include "chat/model/group.h"

#include "base/str.h"
#include "lib/check.h"

static struct group of(const char *ids, uint64_t self)
{
    struct group g;

    assert_true(group_parse(str_of(ids), self, &g));
    return g;
}

static bool same(const struct group *a, const struct group *b)
{
    char one[KEYS_ROOM_MAX], other[KEYS_ROOM_MAX];

    return str_eq(group_room(a, one), group_room(b, other));
}

static void the_same_people_are_the_same_room(void **state)
{
    struct group a = of("9,12", 7), b = of("12,7,9,12", 7), c = of("7,9", 12), d = of("7,9,13", 12);
    char room[KEYS_ROOM_MAX];

    (void)state;
    assert_int_equal(a.n, 3);
    assert_true(a.ids[0] == 7 && a.ids[1] == 9 && a.ids[2] == 12);
    assert_true(same(&a, &b) && same(&a, &c) && !same(&a, &d));
    assert_true(group_is_room(group_room(&a, room)));
    assert_true(str_eq(group_room(&a, room), STR("dm:gb4971c312ee6eb6c4f6d1cf14d4fbc2540ded640")));
}

/* Ids that run together are others: 1,23 and 12,3. */
static void people_are_told_apart(void **state)
{
    struct group a = of("1,23", 99), b = of("12,3", 99);

    (void)state;
    assert_false(same(&a, &b));
}

static void two_have_the_room_that_they_had(void **state)
{
    struct group g = of("12", 7), h = of("7,7", 12);
    char room[KEYS_ROOM_MAX];

    (void)state;
    assert_true(str_eq(group_room(&g, room), STR("dm:7:12")));
    assert_true(str_eq(group_room(&h, room), STR("dm:7:12")));
    assert_false(group_is_room(STR("dm:7:12")));
}

static void nonsense_is_no_group(void **state)
{
    static const char *const bad[] = {
        "",
        "7",
        "7,7",
        "0",
        "9,0",
        "9,,12",
        "9, 12",
        "a",
        "-9",
        "99999999999999999999",
        "1,2,3,4,5,6,8,9,10",
    };
    struct group g;

    (void)state;
    for (unsigned i = 0; i < COUNTOF(bad); i++)
        if (group_parse(str_of(bad[i]), 7, &g))
            fail_msg("%s", bad[i]);
    assert_true(group_parse(STR("1,2,3,4,5,6,8,9"), 7, &g));
    assert_int_equal(g.n, GROUP_MAX);
}

static void ids_of_groups_are_known(void **state)
{
    static const char *const bad[] = {
        "dm:g",
        "dm:g12",
        "dm:gg0112233445566778899aabbccddeeff00112233",
        "dm:g00112233445566778899aabbccddeeff001122334",
        "dm:G00112233445566778899aabbccddeeff00112233",
        "g00112233445566778899aabbccddeeff00112233",
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(bad); i++)
        assert_false(group_is_room(str_of(bad[i])));
    assert_true(group_is_room(STR("dm:g00112233445566778899aabbccddeeff00112233")));
}

static void people_are_read_as_they_were_put(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct str rest, name;
    uint64_t id;

    (void)state;
    buf_init(&b, 1000);
    group_put(&b, 7, STR("ana"));
    group_put(&b, UINT64_MAX, STR(""));
    rest = buf_peek(&b);
    assert_true(group_next(&rest, &id, &name) && id == 7 && str_eq(name, STR("ana")));
    assert_true(group_next(&rest, &id, &name) && id == UINT64_MAX && name.n == 0);
    assert_false(group_next(&rest, &id, &name));
    rest = STR("\x07\x04"
               "ana");
    assert_false(group_next(&rest, &id, &name));
}

CHECK_MAIN(cmocka_unit_test(the_same_people_are_the_same_room),
           cmocka_unit_test(people_are_told_apart),
           cmocka_unit_test(two_have_the_room_that_they_had),
           cmocka_unit_test(nonsense_is_no_group), cmocka_unit_test(ids_of_groups_are_known),
           cmocka_unit_test(people_are_read_as_they_were_put))
