/* What the store keeps of a connection behind API Gateway; and how a home is given away. */
#include "server/gw/gw_row.h"

#include "base/str.h"
#include "lib/check.h"
#include "server/gw/gw_give.h"

static const struct gw_row sample = {.run = STR("0123456789abcdef"),
                                     .bus_id = 0xfedcba9876543210,
                                     .worker = 7,
                                     .connected_ms = 1705751697419,
                                     .array = true,
                                     .user = 9,
                                     .session = UINT64_MAX,
                                     .expires_ms = 1,
                                     .next_n = 77,
                                     .base = STR("https://host/prod"),
                                     .source = STR("10.0.0.1"),
                                     .name = STR("ana b."),
                                     .cursors = STR("general.12.3~@9.4.5")};

static void a_row_comes_back(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct gw_row got;

    (void)state;
    buf_init(&b, GW_ROW_MAX);
    gw_row_encode(&sample, &b);
    assert_true(gw_row_decode(buf_peek(&b), &got));
    assert_true(str_eq(got.run, sample.run) && got.bus_id == sample.bus_id && got.worker == 7);
    assert_true(got.connected_ms == sample.connected_ms && got.array && !got.super);
    assert_true(got.user == 9 && got.session == UINT64_MAX && got.expires_ms == 1 &&
                got.next_n == 77);
    assert_true(str_eq(got.base, sample.base) && str_eq(got.source, sample.source));
    assert_true(str_eq(got.name, sample.name) && str_eq(got.cursors, sample.cursors));
}

static void a_row_may_be_nobodys(void **state)
{
    struct gw_row r = sample, got;
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, GW_ROW_MAX);
    r.run = r.source = r.name = r.cursors = (struct str){0};
    r.user = 0;
    gw_row_encode(&r, &b);
    assert_true(gw_row_decode(buf_peek(&b), &got));
    assert_true(got.run.n == 0 && got.user == 0 && got.cursors.n == 0 && got.source.n == 0);
}

static void what_is_no_row_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "1 7 9 1 0 https://host/prod\n", /* of serverless/rows.h */
        "3 run fedcba9876543210 0 1 0 1 1 1 1\nhttps://h/p\n\n\n",
        "2  fedcba9876543210 0 1 0 1 1 1 1\nhttps://h/p\n\n\n",
        "2 run fedcba987654321 0 1 0 1 1 1 1\nhttps://h/p\n\n\n",
        "2 run fedcba9876543210 256 1 0 1 1 1 1\nhttps://h/p\n\n\n",
        "2 run fedcba9876543210 0 1 64 1 1 1 1\nhttps://h/p\n\n\n",
        "2 run fedcba9876543210 0 1 0 1 1 1\nhttps://h/p\n\n\n",
        "2 run fedcba9876543210 0 1 0 1 1 1 1\n\n\n\n",
    };
    struct gw_row got;

    (void)state;
    for (size_t i = 0; i < COUNTOF(wrong); i++)
        assert_false(gw_row_decode(str_of(wrong[i]), &got));
}

static void what_is_given_is_read(void **state)
{
    struct str id, row;
    uint64_t rev;

    (void)state;
    assert_true(gw_give_read(STR("\x05\x04"
                                 "abc=2 row"),
                             &rev, &id, &row));
    assert_true(rev == 5 && str_eq(id, STR("abc=")) && str_eq(row, STR("2 row")));
    assert_false(gw_give_read(STR("\x05\x04"
                                  "abc"),
                              &rev, &id, &row));
    assert_false(gw_give_read(STR("\x05\x00"), &rev, &id, &row));
    assert_false(gw_give_read(STR(""), &rev, &id, &row));
}

CHECK_MAIN(cmocka_unit_test(a_row_comes_back), cmocka_unit_test(a_row_may_be_nobodys),
           cmocka_unit_test(what_is_no_row_is_refused), cmocka_unit_test(what_is_given_is_read))
