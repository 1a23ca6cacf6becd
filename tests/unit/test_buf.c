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

/* It is appended whole or not at all. */
static void buf_takes_varints(void **state)
{
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 4);
    buf_append_varint(&b, 0x7f);
    buf_append_varint(&b, 0x80);
    assert_int_equal(buf_len(&b), 3);
    assert_memory_equal(buf_peek(&b).p, "\x7f\x80\x01", 3);
    buf_append_varint(&b, 0x80);
    assert_true(b.failed);
    assert_int_equal(buf_len(&b), 3);
}

/* What is queued waits until all before it was sent. */
static void buf_turns_from_queued_to_sending(void **state)
{
    struct buf sending CLEANUP(buf_fini), queued CLEANUP(buf_fini);

    (void)state;
    buf_init(&sending, 100);
    buf_init(&queued, 100);
    assert_int_equal(buf_turn(&sending, &queued).n, 0);
    buf_append(&queued, STR("one"));
    assert_true(str_eq(buf_turn(&sending, &queued), STR("one")));
    buf_append(&queued, STR("two"));
    buf_consume(&sending, 2);
    assert_true(str_eq(buf_turn(&sending, &queued), STR("e")));
    buf_consume(&sending, 1);
    assert_true(str_eq(buf_turn(&sending, &queued), STR("two")));
    assert_int_equal(buf_len(&queued), 0);
}

CHECK_MAIN(cmocka_unit_test(buf_keeps_order_and_bound), cmocka_unit_test(buf_takes_varints),
           cmocka_unit_test(buf_turns_from_queued_to_sending))
