#include "base/buf.h"
#include "base/str.h"
#include "lib/check.h"

static void buf_keeps_order_and_bound(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 600);
    for (int i = 0; i < 100; i++) {
        buf_append(&b, STR("abcdef"));
        if (i % 2) {
            assert_memory_equal(buf_peek(&b).p, "abcdef", 6);
            buf_consume(&b, 6);
        }
    }
    assert_int_equal(buf_len(&b), 300);
    for (int i = 0; i < 50; i++)
        buf_append(&b, STR("abcdef"));
    assert_false(b.failed);
    buf_append(&b, STR("x"));
    assert_true(b.failed);
    assert_int_equal(buf_len(&b), 600);
    buf_clear(&b);
    buf_printf(&b, "%s-%d", "a", 7);
    buf_append_u64(&b, UINT64_MAX);
    assert_true(str_eq(buf_peek(&b), STR("a-718446744073709551615")));
}

CHECK_MAIN(cmocka_unit_test(buf_keeps_order_and_bound))
