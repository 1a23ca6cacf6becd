#include "chat/model/access.h"

#include "base/str.h"
#include "lib/check.h"

#include <stdio.h>

enum { NOW = 1000 };

static struct access a;

static void begin(const char *room)
{
    access_fini(&a);
    access_init(&a, str_of(room));
}

static int end(void **state)
{
    (void)state;
    access_fini(&a);
    map_init(&a.members);
    return 0;
}

static void make(const char *kind, uint64_t owner)
{
    struct entry e = {.kind = ENTRY_ROOM,
                      .room_kind = str_of(kind),
                      .from_id = owner,
                      .from_name = STR("owner"),
                      .title = STR("the title")};

    assert_true(access_apply(&a, &e));
}

static void set(uint64_t user, const char *role, uint64_t until_ms)
{
    struct entry e = {.kind = ENTRY_MEMBER,
                      .user_id = user,
                      .user_name = STR("somebody"),
                      .role = str_of(role),
                      .until_ms = until_ms};

    assert_true(access_apply(&a, &e));
}

static void the_id_says_what_a_room_is(void **state)
{
    static const struct {
        const char *room;
        enum access_kind kind;
        uint64_t low, high;
    } cases[] = {
        {"general", ACCESS_PUBLIC, 0, 0},  {"dm:3:12", ACCESS_DIRECT, 3, 12},
        {"dm:12:3", ACCESS_PUBLIC, 0, 0},  {"dm:3:3", ACCESS_PUBLIC, 0, 0},
        {"dm:03:12", ACCESS_PUBLIC, 0, 0}, {"dm:3", ACCESS_PUBLIC, 0, 0},
        {"dm:3:", ACCESS_PUBLIC, 0, 0},    {"dm:3:12:4", ACCESS_PUBLIC, 0, 0},
        {"@7", ACCESS_SELF, 7, 0},         {"@", ACCESS_PUBLIC, 0, 0},
        {"@x", ACCESS_PUBLIC, 0, 0},
    };

    (void)state;
    for (unsigned i = 0; i < COUNTOF(cases); i++) {
        begin(cases[i].room);
        assert_int_equal(a.kind, cases[i].kind);
        if (a.kind != ACCESS_PUBLIC)
            assert_int_equal(a.low, cases[i].low);
        if (a.kind == ACCESS_DIRECT)
            assert_int_equal(a.high, cases[i].high);
    }
}

/* Who reads, writes and moderates, in a room made by 1. The role is user 2's. */
static void roles_say_who_may_what(void **state)
{
    static const struct {
        const char *kind, *role;
        uint64_t until_ms;
        enum error_code read, write;
        bool moderates;
    } cases[] = {
        {"public", NULL, 0, ERROR_NONE, ERROR_NONE, false},
        {"public", "member", 0, ERROR_NONE, ERROR_NONE, false},
        {"public", "moderator", 0, ERROR_NONE, ERROR_NONE, true},
        {"public", "owner", 0, ERROR_NONE, ERROR_NONE, true},
        {"public", "muted", 0, ERROR_NONE, ERROR_muted, false},
        {"public", "muted", NOW + 1, ERROR_NONE, ERROR_muted, false},
        {"public", "muted", NOW, ERROR_NONE, ERROR_NONE, false},
        {"public", "banned", 0, ERROR_banned, ERROR_banned, false},
        {"public", "banned", NOW + 1, ERROR_banned, ERROR_banned, false},
        {"public", "banned", NOW, ERROR_NONE, ERROR_NONE, false},
        {"public", "none", 0, ERROR_NONE, ERROR_NONE, false},
        {"private", NULL, 0, ERROR_not_member, ERROR_not_member, false},
        {"private", "member", 0, ERROR_NONE, ERROR_NONE, false},
        {"private", "moderator", 0, ERROR_NONE, ERROR_NONE, true},
        {"private", "owner", 0, ERROR_NONE, ERROR_NONE, true},
        {"private", "muted", 0, ERROR_NONE, ERROR_muted, false},
        {"private", "muted", NOW - 1, ERROR_NONE, ERROR_NONE, false},
        {"private", "banned", 0, ERROR_banned, ERROR_banned, false},
        {"private", "banned", NOW, ERROR_not_member, ERROR_not_member, false},
        {"private", "none", 0, ERROR_not_member, ERROR_not_member, false},
    };
    uint64_t until_ms;

    (void)state;
    for (unsigned i = 0; i < COUNTOF(cases); i++) {
        begin("room");
        make(cases[i].kind, 1);
        if (cases[i].role != NULL) {
            set(2, "member", 0);
            set(2, cases[i].role, cases[i].until_ms);
        }
        assert_int_equal(access_read(&a, 2, false, NOW), cases[i].read);
        assert_int_equal(access_write(&a, 2, false, NOW, &until_ms), cases[i].write);
        assert_int_equal(until_ms, cases[i].write == ERROR_muted ? cases[i].until_ms : 0);
        assert_int_equal(access_moderates(&a, 2, false, NOW), cases[i].moderates);
        /* The server's owner may all of it. */
        assert_int_equal(access_read(&a, 2, true, NOW), ERROR_NONE);
        assert_int_equal(access_write(&a, 2, true, NOW, &until_ms), ERROR_NONE);
        assert_true(access_moderates(&a, 2, true, NOW));
        assert_int_equal(access_role(&a, 1, NOW), ACCESS_OWNER);
    }
}

static void direct_rooms_are_two_peoples(void **state)
{
    uint64_t until_ms;

    (void)state;
    begin("dm:3:12");
    make("direct", 3);
    set(5, "owner", 0); /* whatever the log says */
    set(3, "banned", 0);
    assert_int_equal(a.kind, ACCESS_DIRECT);
    for (uint64_t user = 1; user < 20; user++) {
        enum error_code want = user == 3 || user == 12 ? ERROR_NONE : ERROR_not_member;

        for (int super = 0; super < 2; super++) {
            assert_int_equal(access_read(&a, user, super, NOW), want);
            assert_int_equal(access_write(&a, user, super, NOW, &until_ms), want);
            assert_false(access_moderates(&a, user, super, NOW));
            assert_int_equal(access_grant(&a, user, super, 4, ACCESS_MEMBER, NOW), ERROR_forbidden);
        }
    }
}

static void an_own_log_is_one_persons(void **state)
{
    uint64_t until_ms;

    (void)state;
    begin("@7");
    assert_int_equal(access_read(&a, 7, false, NOW), ERROR_NONE);
    assert_int_equal(access_write(&a, 7, true, NOW, &until_ms), ERROR_forbidden);
    assert_int_equal(access_read(&a, 8, true, NOW), ERROR_not_member);
    assert_int_equal(access_write(&a, 8, true, NOW, &until_ms), ERROR_not_member);
    assert_false(access_moderates(&a, 7, true, NOW));
    assert_int_equal(access_grant(&a, 7, true, 7, ACCESS_NONE, NOW), ERROR_forbidden);
}

/* Everybody's every grant to everybody, by the rule in words: owners may all;
 * moderators may deal with those below them, and not make equals; everybody may
 * go, but for those who are held. */
static void grants_follow_the_ranks(void **state)
{
    enum access_role role[8] = {ACCESS_NONE,  ACCESS_NONE,  ACCESS_MEMBER, ACCESS_MODERATOR,
                                ACCESS_OWNER, ACCESS_MUTED, ACCESS_BANNED, ACCESS_MODERATOR};

    (void)state;
    begin("room");
    make("public", 100);
    for (uint64_t u = 2; u < 8; u++)
        set(u, access_role_name(role[u]), 0);
    for (uint64_t by = 1; by < 8; by++) {
        for (uint64_t to = 1; to < 8; to++) {
            for (enum access_role r = ACCESS_NONE; r <= ACCESS_BANNED; r++) {
                bool low = role[to] != ACCESS_OWNER && role[to] != ACCESS_MODERATOR;
                bool may = role[by] == ACCESS_OWNER;

                if (role[by] == ACCESS_MODERATOR && low && r != ACCESS_OWNER &&
                    r != ACCESS_MODERATOR)
                    may = true;
                if (by == to && r == ACCESS_NONE && role[to] != ACCESS_MUTED &&
                    role[to] != ACCESS_BANNED)
                    may = true;
                assert_int_equal(access_grant(&a, by, false, to, r, NOW),
                                 may ? ERROR_NONE : ERROR_forbidden);
                assert_int_equal(access_grant(&a, by, true, to, r, NOW), ERROR_NONE);
            }
        }
    }
}

/* A mute does not end by leaving, a punishment that has ended does not bind. */
static void held_people_cannot_shake_it_off(void **state)
{
    (void)state;
    begin("room");
    make("public", 1);
    set(2, "muted", NOW + 10);
    assert_int_equal(access_grant(&a, 2, false, 2, ACCESS_NONE, NOW), ERROR_forbidden);
    assert_int_equal(access_grant(&a, 2, false, 2, ACCESS_NONE, NOW + 10), ERROR_NONE);
    assert_int_equal(access_grant(&a, 2, false, 2, ACCESS_OWNER, NOW + 10), ERROR_forbidden);
}

static void entries_change_access(void **state)
{
    struct entry message = {.kind = ENTRY_MESSAGE, .from_id = 9};

    (void)state;
    begin("room");
    assert_false(access_apply(&a, &message));
    assert_null(access_get(&a, 9));
    make("private", 1);
    assert_int_equal(a.kind, ACCESS_PRIVATE);
    assert_string_equal(a.title, "the title");
    set(2, "muted", 5);
    assert_int_equal(access_get(&a, 2)->until_ms, 5);
    assert_int_equal(access_get(&a, 2)->name_n, 8);
    set(2, "a role of later", 0);
    assert_int_equal(access_get(&a, 2)->role, ACCESS_MUTED);
    set(2, "none", 0);
    assert_null(access_get(&a, 2));
    /* A change of the title changes nothing else. */
    assert_true(access_apply(&a, &(struct entry){.kind = ENTRY_ROOM, .from_id = 3}));
    assert_int_equal(a.kind, ACCESS_PRIVATE);
    assert_null(a.title);
    assert_null(access_get(&a, 3));
    assert_int_equal(map_n(&a.members), 1);
}

/* The room that is nobody's has no member without a number. */
static void nobody_is_no_member(void **state)
{
    (void)state;
    begin("general");
    make("public", 0);
    assert_int_equal(map_n(&a.members), 0);
}

static bool decode(struct str record, uint64_t *ret_at)
{
    begin("room");
    return access_decode(&a, &(struct gone){0}, record, ret_at);
}

static void a_record_reads_back(void **state)
{
    struct buf b CLEANUP(buf_fini);
    uint64_t at = 0;

    (void)state;
    buf_init(&b, 65536);
    begin("room");
    make("private", 1);
    set(2, "muted", 12345);
    set(3, "banned", 0);
    set(4, "moderator", 0);
    access_apply(&a, &(struct entry){.kind = ENTRY_ROOM, .title = STR("a \"title\"\n")});
    access_encode(&a, &(struct gone){0}, 77, &b);
    assert_true(decode(buf_peek(&b), &at));
    assert_int_equal(at, 77);
    assert_int_equal(a.kind, ACCESS_PRIVATE);
    assert_string_equal(a.title, "a \"title\"\n");
    assert_int_equal(map_n(&a.members), 4);
    assert_int_equal(access_get(&a, 1)->role, ACCESS_OWNER);
    assert_int_equal(access_get(&a, 2)->until_ms, 12345);
    assert_int_equal(access_get(&a, 3)->role, ACCESS_BANNED);
    assert_memory_equal(access_get(&a, 4)->name, "somebody", 8);

    buf_clear(&b);
    begin("general");
    make("public", 0);
    access_encode(&a, &(struct gone){0}, 1, &b);
    assert_true(decode(buf_peek(&b), &at));
    assert_int_equal(a.kind, ACCESS_PUBLIC);
}

/* Every beginning of a record is broken, and so are these. */
static void broken_records_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{\"members\":[5]}",
        "{\"members\":[[]]}",
        "{\"members\":[[0,\"member\",0,\"x\"]]}",
        "{\"members\":[[-1,\"member\",0,\"x\"]]}",
        "{\"members\":[[1,\"king\",0,\"x\"]]}",
        "{\"members\":[[1,\"member\",-1,\"x\"]]}",
        "{\"members\":[[1,\"member\",0]]}",
        "{\"members\":[[1,\"member\",0,5]]}",
        "{\"members\":[[1,\"member\",0,\"x\",1]]}",
        "{\"at\":1}}",
        "{\"at\":1} x",
    };
    struct buf b CLEANUP(buf_fini);
    uint64_t at;

    (void)state;
    buf_init(&b, 65536);
    for (unsigned i = 0; i < COUNTOF(bad); i++)
        if (decode(str_of(bad[i]), &at))
            fail_msg("accepted: %s", bad[i]);
    begin("room");
    make("public", 1);
    set(2, "muted", 3);
    access_encode(&a, &(struct gone){0}, 5, &b);
    for (size_t n = 0; n < buf_len(&b); n++)
        assert_false(decode((struct str){buf_peek(&b).p, n}, &at));
    assert_true(decode(STR("{\"later\":[{}],\"at\":9}"), &at));
    assert_int_equal(at, 9);
}

CHECK_MAIN(cmocka_unit_test_teardown(the_id_says_what_a_room_is, end),
           cmocka_unit_test_teardown(roles_say_who_may_what, end),
           cmocka_unit_test_teardown(direct_rooms_are_two_peoples, end),
           cmocka_unit_test_teardown(an_own_log_is_one_persons, end),
           cmocka_unit_test_teardown(grants_follow_the_ranks, end),
           cmocka_unit_test_teardown(held_people_cannot_shake_it_off, end),
           cmocka_unit_test_teardown(entries_change_access, end),
           cmocka_unit_test_teardown(nobody_is_no_member, end),
           cmocka_unit_test_teardown(a_record_reads_back, end),
           cmocka_unit_test_teardown(broken_records_are_refused, end))
