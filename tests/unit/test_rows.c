#include "serverless/rows.h"

#include "base/str.h"
#include "lib/check.h"

#define BASE "https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod"

static void is(struct str value, const char *text)
{
    assert_int_equal(value.n, strlen(text));
    assert_memory_equal(value.p, text, value.n);
}

static void a_connection_names_its_rooms(void **state)
{
    const struct rows_conn c = {.user = 7,
                                .session = 9,
                                .connected_ms = 1700000000000,
                                .flags = ROWS_ARRAYS,
                                .base = STR(BASE),
                                .rooms = STR("general 0\ndm:1:7 0\nbig 12\n")};
    struct rows_conn back;
    struct str rest, room;
    uint32_t shard = 99;
    struct buf b;

    (void)state;
    buf_init(&b, 1024);
    rows_conn_encode(&c, &b);
    is(buf_peek(&b), "1 7 9 1700000000000 a " BASE "\ngeneral 0\ndm:1:7 0\nbig 12\n");
    assert_true(rows_conn_decode(buf_peek(&b), &back));
    assert_true(back.user == 7 && back.session == 9 && back.flags == ROWS_ARRAYS);
    assert_true(back.connected_ms == 1700000000000 && str_eq(back.base, c.base));
    assert_true(rows_conn_find(&back, STR("big"), &shard));
    assert_int_equal(shard, 12);
    assert_false(rows_conn_find(&back, STR("bi"), &shard));
    rest = back.rooms;
    for (unsigned i = 0; i < 3; i++)
        assert_true(rows_conn_next(&rest, &room, &shard));
    assert_false(rows_conn_next(&rest, &room, &shard));
    buf_fini(&b);
}

static void a_follower_comes_back(void **state)
{
    const struct rows_follower f = {
        .user = 7, .since = 12, .connected_ms = 5, .flags = ROWS_SUPER, .base = STR(BASE)};
    struct rows_follower back;
    char to[ROWS_VALUE_MAX];

    (void)state;
    is(rows_follower_encode(&f, to), "1 7 12 5 s " BASE);
    assert_true(rows_follower_decode(rows_follower_encode(&f, to), &back));
    assert_true(back.user == 7 && back.since == 12 && back.connected_ms == 5);
    assert_true(back.flags == ROWS_SUPER && str_eq(back.base, STR(BASE)));
    /* A later release may know more. */
    assert_true(rows_follower_decode(STR("1 7 12 5 xaz " BASE " more"), &back));
    assert_true(back.flags == ROWS_ARRAYS && str_eq(back.base, STR(BASE)));
}

static void a_shard_comes_back(void **state)
{
    const struct rows_shard s = {9, 8, 7, 1000, 3, UINT64_MAX, 1700000000000};
    struct rows_shard back;
    char to[ROWS_VALUE_MAX];

    (void)state;
    is(rows_shard_encode(&s, to), "1 9 8 7 1000 3 18446744073709551615 1700000000000");
    assert_true(rows_shard_decode(rows_shard_encode(&s, to), &back));
    assert_memory_equal(&back, &s, sizeof(s));
}

static void what_is_broken_is_refused(void **state)
{
    static const char *const shards[] = {"", "1", "1 2 3", "2 9 8 7 1000 3 4 5",
                                         "1 9 8 7 1000 3 x 5"};
    static const char *const followers[] = {"", "1 7 12 5 a", "1 7 12 5 a ", "0 7 12 5 a http://a",
                                            "1 -7 12 5 a http://a"};
    static const char *const bases[] = {"", "http://a b", "http://a\n", "http://\xc3\xa4"};
    struct rows_shard s;
    struct rows_follower f;
    struct rows_conn c;
    struct str rest = STR("general 4294967296\n"), room;
    uint32_t shard;

    (void)state;
    for (size_t i = 0; i < COUNTOF(shards); i++)
        assert_false(rows_shard_decode(str_of(shards[i]), &s));
    for (size_t i = 0; i < COUNTOF(followers); i++) {
        assert_false(rows_follower_decode(str_of(followers[i]), &f));
        assert_false(rows_conn_decode(str_of(followers[i]), &c));
    }
    for (size_t i = 0; i < COUNTOF(bases); i++)
        assert_false(rows_is_base(str_of(bases[i])));
    assert_false(rows_conn_next(&rest, &room, &shard));
}

CHECK_MAIN(cmocka_unit_test(a_connection_names_its_rooms), cmocka_unit_test(a_follower_comes_back),
           cmocka_unit_test(a_shard_comes_back), cmocka_unit_test(what_is_broken_is_refused))
