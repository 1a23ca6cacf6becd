#include "chat/model/access.h"

#include "base/str.h"
#include "chat/model/command.h"
#include "lib/check.h"

#include <stdio.h>

enum { NOW = 1000 };

/* A direct room of more than two people. */
#define GROUP "dm:g00112233445566778899aabbccddeeff00112233"

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
        {GROUP, ACCESS_GROUP, 0, 0},       {"dm:g12", ACCESS_PUBLIC, 0, 0},
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

/* The first entry of a group, of 3, 7 and 9. */
static void make_group(void)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 100);
    for (unsigned i = 0; i < 3; i++)
        group_put(&b, (uint64_t[]){3, 7, 9}[i], STR("somebody"));
    assert_true(access_apply(&a, &(struct entry){.kind = ENTRY_ROOM, .people = buf_peek(&b)}));
}

/* Also once it was read back; a node that knows no groups takes it for a private room. */
static void a_group_is_its_first_peoples_for_good(void **state)
{
    struct buf b CLEANUP(buf_fini);
    struct gone gone;
    uint64_t at, ids[GROUP_MAX];

    (void)state;
    buf_init(&b, 4096);
    gone_init(&gone);
    begin(GROUP);
    assert_int_equal(access_people(&a, ids), 0);
    make_group();
    set(4, "owner", 0);
    set(7, "none", 0);
    make("private", 5);
    access_encode(&a, &gone, 5, &b);
    begin(GROUP);
    assert_true(access_decode(&a, &gone, buf_peek(&b), &at));
    assert_int_equal(access_people(&a, ids), 3);
    assert_true(ids[0] == 3 && ids[1] == 7 && ids[2] == 9);
    begin("an-old-nodes");
    assert_true(access_decode(&a, &gone, buf_peek(&b), &at));
    assert_int_equal(a.kind, ACCESS_PRIVATE);
    assert_int_equal(access_read(&a, 9, false, NOW), ERROR_NONE);
    assert_int_equal(access_read(&a, 4, false, NOW), ERROR_not_member);
    gone_fini(&gone);
}

/* The whole table, in words of one letter: may (.), not_member (n), forbidden (f), muted (m),
 * banned (b), slow_mode (s), archived (a), announcement (o), no_such_room (x). Of people without a
 * role, members, moderators, owners, muted, banned, and the server's owner, who has no role. */
struct cells {
    enum access_right right;
    const char *public, *private;
};

static enum error_code error_of(char c)
{
    static const char letters[] = ".nfmbsaox";
    static const enum error_code codes[] = {ERROR_NONE,     ERROR_not_member,   ERROR_forbidden,
                                            ERROR_muted,    ERROR_banned,       ERROR_slow_mode,
                                            ERROR_archived, ERROR_announcement, ERROR_no_such_room};
    const char *at = strchr(letters, c);

    assert_true(c != 0 && at != NULL);
    return codes[at - letters];
}

/* People 10 to 15 have the roles, 16 has none. */
static void people(const char *kind)
{
    static const char *const roles[] = {"none", "member", "moderator", "owner", "muted", "banned"};

    begin("room");
    make(kind, 1);
    for (unsigned i = 0; i < COUNTOF(roles); i++)
        set(10 + i, roles[i], 0);
}

static void check_cells(const struct cells *c, const char *kind, const char *want)
{
    assert_int_equal(strlen(want), 7);
    for (unsigned i = 0; i < 7; i++) {
        enum error_code e = access_may(&a, 10 + i, i == 6, c->right, NOW);

        if (e != error_of(want[i]))
            fail_msg("right %u, %s, place %u: %s", c->right, kind, i, command_error_name(e));
    }
    /* Who has a role and owns the server may what the server's owner may. */
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(access_may(&a, 10 + i, true, c->right, NOW), error_of(want[6]));
}

static void choose(const struct settings *s)
{
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, 4096);
    settings_encode(s, &b);
    assert_true(access_apply(
        &a, &(struct entry){.kind = ENTRY_ROOM, .title = STR("t"), .settings = buf_peek(&b)}));
}

static void check_all(const struct settings *s, const struct cells *cells, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        people("public");
        choose(s);
        check_cells(&cells[i], "public", cells[i].public);
        people("private");
        choose(s);
        check_cells(&cells[i], "private", cells[i].private);
    }
}

static void every_cell_is_as_it_is_said(void **state)
{
    static const struct cells cells[] = {
        {ACCESS_TO_read, ".....b.", "n....b."},   {ACCESS_TO_write, "....mb.", "n...mb."},
        {ACCESS_TO_hurry, "ss..sb.", "ns..sb."},  {ACCESS_TO_moderate, "ff..fb.", "nf..fb."},
        {ACCESS_TO_set, "ff..fb.", "nf..fb."},    {ACCESS_TO_invite, "ff..fb.", "nf..fb."},
        {ACCESS_TO_pin, "....mb.", "n...mb."},    {ACCESS_TO_mention, "....mb.", "n...mb."},
        {ACCESS_TO_hold, "ff..fb.", "nf..fb."},   {ACCESS_TO_appoint, "fff.fb.", "nff.fb."},
        {ACCESS_TO_leave, "....fb.", "n...fb."},  {ACCESS_TO_archive, "fff.fb.", "nff.fb."},
        {ACCESS_TO_delete, "fff.fb.", "nff.fb."},
    };

    (void)state;
    assert_int_equal(COUNTOF(cells), ACCESS_TO_any); /* each right has its row */
    check_all(&(struct settings){0}, cells, COUNTOF(cells));
}

static void settings_take_rights_away(void **state)
{
    static const struct cells announcement[] = {{ACCESS_TO_read, ".....b.", "n....b."},
                                                {ACCESS_TO_write, "oo..mb.", "no..mb."},
                                                {ACCESS_TO_set, "ff..fb.", "nf..fb."},
                                                {ACCESS_TO_pin, "....mb.", "n...mb."}};
    static const struct cells invite[] = {{ACCESS_TO_invite, "....fb.", "n...fb."},
                                          {ACCESS_TO_hold, "ff..fb.", "nf..fb."}};
    static const struct cells pin[] = {{ACCESS_TO_pin, "ff..mb.", "nf..mb."},
                                       {ACCESS_TO_write, "....mb.", "n...mb."}};
    static const struct cells mention[] = {{ACCESS_TO_mention, "ff..mb.", "nf..mb."},
                                           {ACCESS_TO_write, "....mb.", "n...mb."}};
    static const struct cells archived[] = {
        {ACCESS_TO_read, ".....b.", "n....b."},  {ACCESS_TO_write, "aaaamba", "naaamba"},
        {ACCESS_TO_hurry, "ss..sb.", "ns..sb."}, {ACCESS_TO_moderate, "ff..fb.", "nf..fb."},
        {ACCESS_TO_set, "ffaafba", "nfaafba"},   {ACCESS_TO_invite, "aaaafba", "naaafba"},
        {ACCESS_TO_pin, "aaaamba", "naaamba"},   {ACCESS_TO_mention, "aaaamba", "naaamba"},
        {ACCESS_TO_hold, "ff..fb.", "nf..fb."},  {ACCESS_TO_appoint, "fff.fb.", "nff.fb."},
        {ACCESS_TO_leave, "....fb.", "n...fb."}, {ACCESS_TO_archive, "fff.fb.", "nff.fb."},
        {ACCESS_TO_delete, "fff.fb.", "nff.fb."}};
    static const struct cells deleted[] = {{ACCESS_TO_read, "xxxxxbx", "nxxxxbx"},
                                           {ACCESS_TO_write, "xxxxmbx", "nxxxmbx"},
                                           {ACCESS_TO_moderate, "ffxxfbx", "nfxxfbx"},
                                           {ACCESS_TO_delete, "fffxfbx", "nffxfbx"}};

    (void)state;
    check_all(&(struct settings){.announcement = true}, announcement, COUNTOF(announcement));
    check_all(&(struct settings){.members_invite = true}, invite, COUNTOF(invite));
    check_all(&(struct settings){.moderators_pin = true}, pin, COUNTOF(pin));
    check_all(&(struct settings){.moderators_mention = true}, mention, COUNTOF(mention));
    check_all(&(struct settings){.archived = true, .members_invite = true}, archived,
              COUNTOF(archived));
    check_all(&(struct settings){.deleted = true}, deleted, COUNTOF(deleted));
}

/* Whatever the log says, its settings too, and whoever owns the server. */
static void rooms_of_certain_people_are_theirs(void **state)
{
    static const struct {
        enum access_right right;
        char direct, self;
    } theirs[] = {
        {ACCESS_TO_read, '.', '.'},   {ACCESS_TO_write, '.', 'f'},
        {ACCESS_TO_hurry, '.', 'f'},  {ACCESS_TO_moderate, 'f', 'f'},
        {ACCESS_TO_set, 'f', 'f'},    {ACCESS_TO_invite, 'f', 'f'},
        {ACCESS_TO_pin, '.', 'f'},    {ACCESS_TO_mention, '.', 'f'},
        {ACCESS_TO_hold, 'f', 'f'},   {ACCESS_TO_appoint, 'f', 'f'},
        {ACCESS_TO_leave, 'f', 'f'},  {ACCESS_TO_archive, 'f', 'f'},
        {ACCESS_TO_delete, 'f', 'f'},
    };

    (void)state;
    assert_int_equal(COUNTOF(theirs), ACCESS_TO_any);
    for (unsigned i = 0; i < COUNTOF(theirs) * 3; i++) {
        enum access_right right = theirs[i / 3].right;
        bool self = i % 3 == 1, group = i % 3 == 2;

        begin(self ? "@7" : group ? GROUP : "dm:3:7");
        if (group)
            make_group();
        make("direct", 3);
        set(5, "owner", 0);
        set(7, "banned", 0);
        choose(&(struct settings){.archived = true, .announcement = true});
        assert_int_equal(a.kind, self ? ACCESS_SELF : group ? ACCESS_GROUP : ACCESS_DIRECT);
        for (uint64_t user = 1; user < 20; user++) {
            bool is_theirs = user == 7 || (!self && user == 3) || (group && user == 9);
            char want = !is_theirs ? 'n' : self ? theirs[i / 3].self : theirs[i / 3].direct;

            for (int super = 0; super < 2; super++)
                assert_int_equal(access_may(&a, user, super, right, NOW), error_of(want));
        }
    }
}

/* A grant of a role is a right of who gives it, by that role and the one there is. */
static void nobody_gives_roles_in_a_direct_room(void **state)
{
    (void)state;
    begin("dm:3:12");
    assert_int_equal(access_grant(&a, 3, true, 4, ACCESS_MEMBER, NOW), ERROR_forbidden);
    assert_int_equal(access_grant(&a, 4, true, 4, ACCESS_MEMBER, NOW), ERROR_not_member);
    begin("@7");
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
                                 may                         ? ERROR_NONE
                                 : role[by] == ACCESS_BANNED ? ERROR_banned
                                                             : ERROR_forbidden);
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

/* Where members invite, they make members of those who have no role, and nothing else. */
static void members_invite_members_where_they_may(void **state)
{
    (void)state;
    people("private");
    assert_int_equal(access_grant(&a, 11, false, 20, ACCESS_MEMBER, NOW), ERROR_forbidden);
    choose(&(struct settings){.members_invite = true});
    assert_int_equal(access_grant(&a, 11, false, 20, ACCESS_MEMBER, NOW), ERROR_NONE);
    assert_int_equal(access_grant(&a, 20, false, 20, ACCESS_MEMBER, NOW), ERROR_not_member);
    for (enum access_role r = ACCESS_NONE; r <= ACCESS_BANNED; r++)
        if (r != ACCESS_MEMBER)
            assert_int_equal(access_grant(&a, 11, false, 20, r, NOW), ERROR_forbidden);
    for (uint64_t to = 12; to <= 15; to++) /* a moderator, an owner, muted, banned */
        assert_int_equal(access_grant(&a, 11, false, to, ACCESS_MEMBER, NOW), ERROR_forbidden);
}

static void settings_are_of_the_log(void **state)
{
    struct settings all = {.topic = STR("topic"),
                           .description = STR("two\nlines"),
                           .icon = STR("🦉"),
                           .announcement = true,
                           .slow_s = 30,
                           .members_invite = true,
                           .moderators_pin = true,
                           .moderators_mention = true,
                           .archived = true,
                           .deleted = true,
                           .wiped = 7,
                           .first = 9,
                           .first_count = 4,
                           .blanked = 8,
                           .retain_s = 60,
                           .retain_n = 5};
    struct entry title = {.kind = ENTRY_ROOM, .title = STR("of an older node")};
    struct buf b CLEANUP(buf_fini);
    uint64_t at = 0;

    (void)state;
    people("public");
    assert_true(settings_are_default(access_settings(&a)));
    choose(&all);
    assert_true(access_apply(&a, &title)); /* such a one leaves them */
    title.settings = STR("\x01\xff");      /* and so do broken ones */
    assert_true(access_apply(&a, &title));
    buf_init(&b, 65536);
    access_encode(&a, &(struct gone){0}, 5, &b);
    begin("room");
    assert_true(access_decode(&a, &(struct gone){0}, buf_peek(&b), &at));
    assert_true(str_eq(access_settings(&a)->topic, all.topic));
    assert_true(str_eq(access_settings(&a)->description, all.description));
    assert_true(str_eq(access_settings(&a)->icon, all.icon));
    assert_int_equal(access_settings(&a)->slow_s, 30);
    assert_int_equal(access_settings(&a)->wiped, 7);
    assert_int_equal(access_settings(&a)->first, 9);
    assert_int_equal(access_settings(&a)->first_count, 4);
    assert_int_equal(access_settings(&a)->blanked, 8);
    assert_int_equal(access_settings(&a)->retain_s, 60);
    assert_int_equal(access_settings(&a)->retain_n, 5);
    assert_true(access_settings(&a)->announcement && access_settings(&a)->members_invite);
    assert_true(access_settings(&a)->moderators_pin && access_settings(&a)->moderators_mention);
    assert_true(access_settings(&a)->archived && access_settings(&a)->deleted);
    choose(&(struct settings){0});
    assert_true(settings_are_default(access_settings(&a)));
    /* What a later node chose is kept. */
    choose(&(struct settings){.unknown = STR("\x24\x05")});
    assert_true(str_eq(access_settings(&a)->unknown, STR("\x24\x05")));
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
        "{\"settings\":\"0\"}",
        "{\"settings\":\"zz\"}",
        "{\"settings\":\"\"}",
        "{\"settings\":\"01ff\"}",
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
           cmocka_unit_test_teardown(every_cell_is_as_it_is_said, end),
           cmocka_unit_test_teardown(settings_take_rights_away, end),
           cmocka_unit_test_teardown(rooms_of_certain_people_are_theirs, end),
           cmocka_unit_test_teardown(a_group_is_its_first_peoples_for_good, end),
           cmocka_unit_test_teardown(nobody_gives_roles_in_a_direct_room, end),
           cmocka_unit_test_teardown(members_invite_members_where_they_may, end),
           cmocka_unit_test_teardown(settings_are_of_the_log, end),
           cmocka_unit_test_teardown(grants_follow_the_ranks, end),
           cmocka_unit_test_teardown(held_people_cannot_shake_it_off, end),
           cmocka_unit_test_teardown(entries_change_access, end),
           cmocka_unit_test_teardown(nobody_is_no_member, end),
           cmocka_unit_test_teardown(a_record_reads_back, end),
           cmocka_unit_test_teardown(broken_records_are_refused, end))
