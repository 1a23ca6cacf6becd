#include "base/amend.h"
#include "base/rng.h"
#include "base/str.h"
#include "lib/check.h"

/* "👍:1,2 x:3", the way a list reads. */
static void put_list(struct buf *b, struct str reactions)
{
    struct amend_reaction r;
    uint64_t id;

    while (amend_reaction_next(&reactions, &r)) {
        uint64_t n = 0;

        if (buf_len(b) > 0)
            buf_append_byte(b, ' ');
        buf_append(b, r.emoji);
        for (; amend_user_next(&r.users, &id); n++)
            buf_printf(b, "%c%llu", n == 0 ? ':' : ',', (unsigned long long)id);
        assert_true(n == r.users_n);
    }
    assert_int_equal(reactions.n, 0);
    buf_append_byte(b, 0);
}

static void check_list(struct str reactions, const char *want)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 100000);
    put_list(&b, reactions);
    assert_string_equal((const char *)buf_peek(&b).p, want);
}

/* Reacts upon what *list holds and leaves the result there. */
static bool react(struct buf *list, const char *emoji, uint64_t user_id, bool on)
{
    struct amend old = {.reactions = buf_peek(list)}, decoded;
    struct buf out, bytes CLEANUP(buf_fini);
    bool done;

    buf_init(&out, 100000);
    buf_init(&bytes, 100000);
    done = amend_react(&old, str_of(emoji), user_id, on, (struct amend_limits){3, 4}, &out);
    assert_true(done || buf_len(&out) == 0);
    if (!done) {
        buf_fini(&out);
        return false;
    }
    buf_fini(list);
    *list = out;
    amend_encode(&(struct amend){.rev = 5, .reactions = buf_peek(list)}, &bytes);
    assert_int_equal(amend_decode(buf_peek(&bytes), &decoded), AMEND_OK);
    assert_true(str_eq(decoded.reactions, buf_peek(list)));
    return true;
}

static void amend_react_sets(void **state)
{
    struct buf list CLEANUP(buf_fini);

    (void)state;
    buf_init(&list, 100000);
    assert_true(react(&list, "a", 1, false));
    check_list(buf_peek(&list), "");
    assert_true(react(&list, "a", 1, true));
    assert_true(react(&list, "b", 300, true));
    assert_true(react(&list, "a", 2, true));
    assert_true(react(&list, "a", 1, true));
    assert_true(react(&list, "b", 0, true));
    check_list(buf_peek(&list), "a:1,2 b:300,0");
    assert_true(react(&list, "b", 7, false));
    assert_true(react(&list, "c", 7, false));
    assert_true(react(&list, "b", 300, false));
    check_list(buf_peek(&list), "a:1,2 b:0");
    assert_true(react(&list, "c", UINT64_MAX, true));
    assert_true(react(&list, "b", 0, false));
    check_list(buf_peek(&list), "a:1,2 c:18446744073709551615");
    assert_true(react(&list, "a", 1, false));
    assert_true(react(&list, "a", 2, false));
    assert_true(react(&list, "c", UINT64_MAX, false));
    assert_int_equal(buf_len(&list), 0);
}

/* Older entries may have an emoji with or without U+FE0F: that is one reaction. */
static void amend_react_knows_both_spellings(void **state)
{
    struct buf list CLEANUP(buf_fini);

    (void)state;
    buf_init(&list, 100000);
    assert_true(react(&list, "a\xef\xb8\x8f", 1, true));
    assert_true(react(&list, "b", 1, true));
    assert_true(react(&list, "a", 2, true));
    check_list(buf_peek(&list), "a:1,2 b:1");
    assert_true(react(&list, "a\xef\xb8\x8f", 1, false));
    assert_true(react(&list, "a", 2, false));
    check_list(buf_peek(&list), "b:1");
}

static void amend_react_keeps_to_its_limits(void **state)
{
    struct buf list CLEANUP(buf_fini);

    (void)state;
    buf_init(&list, 100000);
    for (uint64_t id = 1; id <= 4; id++)
        assert_true(react(&list, "a", id, true));
    assert_false(react(&list, "a", 5, true));
    assert_true(react(&list, "a", 4, true));
    assert_true(react(&list, "b", 1, true));
    assert_true(react(&list, "c", 1, true));
    assert_false(react(&list, "d", 1, true));
    assert_true(react(&list, "d", 1, false));
    assert_false(react(&list, "", 1, true));
    check_list(buf_peek(&list), "a:1,2,3,4 b:1 c:1");
    assert_true(react(&list, "b", 1, false));
    assert_true(react(&list, "d", 1, true));
    assert_true(react(&list, "a", 2, false));
    assert_true(react(&list, "a", 5, true));
    check_list(buf_peek(&list), "a:1,3,4,5 c:1 d:1");
}

/* Against a table of who reacted with what. */
static void amend_react_agrees_with_a_model(void **state)
{
    static const char *const emojis[] = {"a", "bb", "\xf0\x9f\x91\x8d"};
    bool model[COUNTOF(emojis)][6] = {{false}};
    struct buf list CLEANUP(buf_fini);
    struct rng r;

    (void)state;
    rng_init(&r, check_seed(9));
    buf_init(&list, 100000);
    for (int step = 0; step < 3000; step++) {
        size_t e = rng_below(&r, COUNTOF(emojis)), u = rng_below(&r, 6), n = 0;
        struct str rest;
        struct amend_reaction reaction;
        uint64_t id;
        bool on = rng_chance(&r, 500);

        if (react(&list, emojis[e], u * 1000, on))
            model[e][u] = on;
        for (rest = buf_peek(&list); amend_reaction_next(&rest, &reaction);)
            for (e = 0; amend_user_next(&reaction.users, &id); n++) {
                while (!str_eq(reaction.emoji, str_of(emojis[e])))
                    e++;
                assert_true(model[e][id / 1000]);
            }
        for (size_t i = 0; i < COUNTOF(model) * COUNTOF(model[0]); i++)
            n -= model[i / COUNTOF(model[0])][i % COUNTOF(model[0])];
        assert_int_equal(n, 0);
    }
}

static void amend_round_trips(void **state)
{
    struct amend a = {.rev = 130,
                      .target = 124,
                      .deleted = true,
                      .edited = true,
                      .edited_ts_ms = 1,
                      .text = STR("hi!"),
                      .reactions = STR("\x01x\x02\x03\x07\x80\x01"),
                      .edits = STR("\x7d\x82\x01"),
                      .unknown = STR("\x12\x00")};
    struct buf b CLEANUP(buf_fini);
    struct amend got;

    (void)state;
    buf_init(&b, 1000);
    amend_encode(&a, &b);
    assert_true(
        str_eq(buf_peek(&b), STR("\x01\x02\x82\x01\x04\x7c\x06\x01\x08\x01\x0a\x01\x0d\x03hi!"
                                 "\x0f\x07\x01x\x02\x03\x07\x80\x01\x11\x03\x7d\x82\x01\x12\x00")));
    assert_int_equal(amend_decode(buf_peek(&b), &got), AMEND_OK);
    assert_true(got.rev == 130 && got.target == 124 && got.deleted && got.edited);
    assert_true(got.edited_ts_ms == 1 && str_eq(got.text, a.text));
    assert_true(str_eq(got.edits, a.edits) && str_eq(got.unknown, a.unknown));
    check_list(got.reactions, "x:7,128");
}

static void amend_refuses_bad_reactions(void **state)
{
    static const struct str bad[] = {
        {(const uint8_t *)"\x00\x01\x01\x05", 4},      /* no emoji */
        {(const uint8_t *)"\x01x\x00\x00", 4},         /* nobody */
        {(const uint8_t *)"\x01x\x02\x01\x05", 5},     /* fewer than said */
        {(const uint8_t *)"\x01x\x01\x02\x05\x06", 6}, /* more than said */
        {(const uint8_t *)"\x01x\x01\x01\x80", 5},     /* half an id */
        {(const uint8_t *)"\x01x\x01\x02\x05", 5},     /* beyond the end */
        {(const uint8_t *)"\x05x", 2},
        {(const uint8_t *)"\x01x\x01\x01\x05\x01", 6}, /* half a reaction */
    };
    struct buf b CLEANUP(buf_fini);
    struct amend got;

    (void)state;
    buf_init(&b, 1000);
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        buf_clear(&b);
        amend_encode(&(struct amend){.reactions = bad[i]}, &b);
        if (amend_decode(buf_peek(&b), &got) != AMEND_BAD)
            fail_msg("%zu was accepted", i);
    }
    assert_int_equal(amend_decode((struct str){0}, &got), AMEND_BAD);
    assert_int_equal(amend_decode(STR("\x00"), &got), AMEND_BAD);
}

CHECK_MAIN(cmocka_unit_test(amend_react_sets), cmocka_unit_test(amend_react_knows_both_spellings),
           cmocka_unit_test(amend_react_keeps_to_its_limits),
           cmocka_unit_test(amend_react_agrees_with_a_model), cmocka_unit_test(amend_round_trips),
           cmocka_unit_test(amend_refuses_bad_reactions))
