#include "wire/cbor.h"

#include "base/str.h"
#include "lib/check.h"

#define BYTES(...)                                                             \
    (struct str)                                                               \
    {                                                                          \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}) \
    }

static struct cbor_item next(struct str s)
{
    struct cbor_item item = {0};

    assert_true(cbor_next(&s, &item) && s.n == 0);
    return item;
}

/* RFC 8949, appendix A. */
static void items_are_read(void **state)
{
    int64_t v;
    struct cbor_item item;

    (void)state;
    item = next(BYTES(0x17));
    assert_true(cbor_int(&item, &v) && v == 23);
    item = next(BYTES(0x18, 0x64));
    assert_true(cbor_int(&item, &v) && v == 100);
    item = next(BYTES(0x19, 0x03, 0xe8));
    assert_true(cbor_int(&item, &v) && v == 1000);
    item = next(BYTES(0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00));
    assert_true(cbor_int(&item, &v) && v == 1000000000000);
    item = next(BYTES(0x39, 0x01, 0x00));
    assert_true(cbor_int(&item, &v) && v == -257);
    item = next(BYTES(0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    assert_false(cbor_int(&item, &v));
    item = next(BYTES(0x44, 1, 2, 3, 4));
    assert_true(item.kind == CBOR_BYTES && str_eq(item.str, BYTES(1, 2, 3, 4)));
    assert_false(cbor_int(&item, &v));
    item = next(BYTES(0x62, 0xc3, 0xbc));
    assert_true(item.kind == CBOR_TEXT && str_eq(item.str, STR("ü")));
    item = next(BYTES(0xf5));
    assert_true(item.kind == CBOR_OTHER && item.value == 21);
}

static void refused(struct str s)
{
    struct str rest = s;

    assert_false(cbor_skip(&rest));
}

static void what_is_no_item_is_refused(void **state)
{
    (void)state;
    refused((struct str){0});
    refused(BYTES(0x18));                                                 /* cut */
    refused(BYTES(0x1b, 0, 0, 0));                                        /* cut */
    refused(BYTES(0x44, 1, 2, 3));                                        /* cut */
    refused(BYTES(0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)); /* huge */
    refused(BYTES(0x5f, 0x41, 1, 0xff));                                  /* indefinite */
    refused(BYTES(0x1c));                                                 /* reserved */
    refused(BYTES(0x62, 0xc3, 0x28));                                     /* not UTF-8 */
    refused(BYTES(0x82, 1));                                              /* one of two */
    refused(BYTES(0xa1, 1));                                              /* a key alone */
    refused(BYTES(0xc1));                                                 /* a tag alone */
    refused(BYTES(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)); /* huge */
    refused(BYTES(0xbb, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 1));                /* twice that is 2 */
}

static void a_whole_item_is_skipped(void **state)
{
    struct str rest = BYTES(0xa2, 1, 0x82, 2, 0xc1, 3, 0x61, 'a', 0xa1, 0x41, 0, 0xf6, 7);
    uint8_t deep[4096];

    (void)state;
    assert_true(cbor_skip(&rest) && str_eq(rest, BYTES(7)));
    memset(deep, 0x81, sizeof(deep)); /* arrays of one, each within the other */
    refused((struct str){deep, sizeof(deep)});
    deep[sizeof(deep) - 1] = 0;
    rest = (struct str){deep, sizeof(deep)};
    assert_true(cbor_skip(&rest) && rest.n == 0);
}

CHECK_MAIN(cmocka_unit_test(items_are_read), cmocka_unit_test(what_is_no_item_is_refused),
           cmocka_unit_test(a_whole_item_is_skipped))
