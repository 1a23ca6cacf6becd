#include "base/hex.h"
#include "base/str.h"
#include "lib/check.h"

#include <string.h>

static void digits_of_either_case(void **state)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    int sum = 0;

    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *at = c != 0 ? strchr(digits, c) : NULL;
        int want = at == NULL ? -1 : (int)(at - digits < 16 ? at - digits : at - digits - 6);

        assert_int_equal(hex_digit((uint8_t)c), want);
        sum += want >= 0;
    }
    assert_int_equal(sum, 22);
}

static void bytes_and_numbers(void **state)
{
    static const char *const bad[] = {"0A", "g", "1 ", "-1"};
    char text[8] = "";
    uint64_t v;

    (void)state;
    assert_ptr_equal(hex_write(text, (const uint8_t *)"\x01\xef\x80", 3), text + 6);
    assert_string_equal(text, "01ef80");
    assert_true(hex_number(str_of(text), &v));
    assert_int_equal(v, 0x1ef80);
    assert_true(hex_number(STR("ffffffffffffffff"), &v));
    assert_int_equal(v, UINT64_MAX);
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_false(hex_number(str_of(bad[i]), &v));
}

CHECK_MAIN(cmocka_unit_test(digits_of_either_case), cmocka_unit_test(bytes_and_numbers))
