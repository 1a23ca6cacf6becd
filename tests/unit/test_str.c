#include "base/str.h"

#include "lib/check.h"

#include <ctype.h>

/* Every two bytes, at every place that is looked at together or alone. */
static void case_does_not_matter_to_letters_alone(void **state)
{
    uint8_t a[11], b[11];

    (void)state;
    for (size_t at = 0; at < sizeof(a); at++)
        for (unsigned x = 0; x < 256; x++)
            for (unsigned y = 0; y < 256; y++) {
                bool ascii = x < 128 && y < 128;
                bool same = x == y || (ascii && tolower((int)x) == tolower((int)y));

                memset(a, 'm', sizeof(a));
                memset(b, 'M', sizeof(b));
                a[at] = (uint8_t)x;
                b[at] = (uint8_t)y;
                assert_int_equal(
                    str_eq_nocase((struct str){a, sizeof(a)}, (struct str){b, sizeof(b)}), same);
            }
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_true(str_eq_nocase((struct str){0}, STR("")));
}

static void numbers_come_back(void **state)
{
    char text[20];
    uint64_t v = 1, back;

    (void)state;
    assert_int_equal(str_from_u64(0, text), 1);
    assert_int_equal(text[0], '0');
    for (unsigned digits = 1; digits < 20; digits++, v *= 10)
        for (int d = -1; d <= 1; d++) {
            size_t n = str_from_u64(v + (uint64_t)d, text);

            assert_true(str_to_u64((struct str){(uint8_t *)text, n}, &back));
            assert_int_equal(back, v + (uint64_t)d);
        }
    assert_int_equal(str_from_u64(UINT64_MAX, text), 20);
}

static void bytes_are_ordered_and_what_begins_another_is_before_it(void **state)
{
    const struct str ordered[] = {{NULL, 0}, STR("A"), STR("AA"), STR("B"), STR("\x80")};

    (void)state;
    for (size_t i = 0; i < COUNTOF(ordered); i++)
        for (size_t j = 0; j < COUNTOF(ordered); j++) {
            int order = str_order(ordered[i], ordered[j]);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

/* What is passed over is plain, and the next piece is not. */
static void plain_text_is_passed_over(void **state)
{
    uint8_t text[20];

    (void)state;
    for (size_t at = 0; at < sizeof(text); at++)
        for (unsigned c = 0; c < 256; c++) {
            bool plain = c >= ' ' && c < 0x7f;

            memset(text, ' ', sizeof(text));
            text[at] = (uint8_t)c;
            assert_int_equal(str_printable((struct str){text, sizeof(text)}),
                             plain || at >= 16 ? 16 : at / 8 * 8);
        }
}

CHECK_MAIN(cmocka_unit_test(case_does_not_matter_to_letters_alone),
           cmocka_unit_test(numbers_come_back),
           cmocka_unit_test(bytes_are_ordered_and_what_begins_another_is_before_it),
           cmocka_unit_test(plain_text_is_passed_over))
