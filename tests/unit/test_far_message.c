/* Messages about sessions of other workers. */
#include "lib/check.h"

#include "base/str.h"
#include "server/sio/far_message.h"

static struct far_message sample(void)
{
    return (struct far_message){
        .type = FAR_ANSWER,
        .worker = 63,
        .id = UINT64_MAX,
        .piece = UINT32_MAX,
        .last = true,
        .session = "0123456789abcdef",
        .answer = {.kind = EIO_REFUSED, .error = ENGINEIO_UNSUPPORTED_VERSION},
        .bytes = STR("some\0bytes"),
    };
}

static void test_back(void **state)
{
    struct far_message m = sample(), got;
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1024);
    far_message_write(&b, &m);
    assert_true(buf_len(&b) - m.bytes.n <= FAR_HEAD_MAX);
    assert_true(far_message_read(buf_peek(&b), &got));
    assert_int_equal(got.type, FAR_ANSWER);
    assert_int_equal(got.worker, 63);
    assert_true(got.id == UINT64_MAX && got.piece == UINT32_MAX && got.last);
    assert_memory_equal(got.session, m.session, sizeof(m.session));
    assert_int_equal(got.answer.kind, EIO_REFUSED);
    assert_int_equal(got.answer.error, ENGINEIO_UNSUPPORTED_VERSION);
    assert_true(str_eq(got.bytes, m.bytes));
}

/* Each byte of the head that may not be any; and whatever is too short. */
static void test_none(void **state)
{
    static const struct {
        size_t at;
        uint8_t least; /* that is refused */
    } bytes[] = {{0, 2}, {1, FAR_HOME + 1}, {3, 2}, {4, EIO_REFUSED + 1}, {5, 6}};
    struct far_message m = sample(), got;
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1024);
    far_message_write(&b, &m);
    for (size_t i = 0; i < COUNTOF(bytes); i++)
        for (unsigned v = bytes[i].least; v <= UINT8_MAX; v++) {
            uint8_t was = b.bytes[bytes[i].at];

            b.bytes[bytes[i].at] = (uint8_t)v;
            assert_false(far_message_read(buf_peek(&b), &got));
            b.bytes[bytes[i].at] = was;
        }
    for (size_t n = 0; n < buf_len(&b) - m.bytes.n; n++)
        assert_false(far_message_read((struct str){b.bytes, n}, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
