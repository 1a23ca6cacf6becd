/* Ids of sessions of Engine.IO. */
#include "lib/check.h"

#include "base/str.h"
#include "server/sio/eio_sid.h"

static void test_back(void **state)
{
    const struct eio_sid sid = {0x0123456789abcdef, 255, "0123456789abcdef"};
    char text[EIO_SID_LEN];
    struct eio_sid got;

    (void)state;
    eio_sid_write(&sid, text);
    assert_true(eio_sid_parse((struct str){(const uint8_t *)text, sizeof(text)}, &got));
    assert_true(got.node == sid.node && got.worker == sid.worker);
    assert_memory_equal(got.id, sid.id, sizeof(sid.id));
}

static void test_none(void **state)
{
    static const char *const bad[] = {
        "",
        "abc",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* too short */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* too long */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",  /* another spelling of the same */
        "AAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAA",
    };
    struct eio_sid got;

    (void)state;
    for (size_t i = 0; i < COUNTOF(bad); i++)
        assert_false(eio_sid_parse(str_of(bad[i]), &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
