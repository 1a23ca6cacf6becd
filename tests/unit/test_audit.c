/* Acts of moderation (chat/model/act.h) and the log of moderators that tells of them
 * (chat/room/audit.h). */
#include "base/str.h"
#include "chat/room/audit.h"
#include "chat/room/owner.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

/* User 1 makes the public room den; 2 is a moderator, 3 and 4 are nobody there. */
static void begin(struct chat_rig *r)
{
    for (unsigned user = 1; user <= 4; user++) {
        char pk[8], body[8];

        (void)snprintf(pk, sizeof(pk), "u:%u", user);
        (void)snprintf(body, sizeof(body), "uu%u", user);
        chat_rig_put(r, pk, "user", body);
    }
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'den'}"), "'ok'");
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'member_set','room':'den','user':2,'role':'moderator'}"),
        "'ok'");
}

/* How often the text is in the log of moderators, as user reads it. */
static unsigned told(struct chat_rig *r, const char *room, uint64_t user, const char *text)
{
    const char *at =
        chat_rig_do(r, user, "{'action':'history','room':'audit:%s','view':'log'}", room);
    unsigned n = 0;

    chat_rig_has(at, "'ok'");
    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        n++;
    }
    return n;
}

static void every_act_is_told_once(void **state)
{
    static const struct {
        uint64_t by;
        const char *command, *act;
    } cases[] = {
        {2, "{'action':'member_set','room':'den','user':3,'role':'muted','reason':'loud'}", "mute"},
        {2, "{'action':'member_set','room':'den','user':3,'role':'member'}", "release"},
        {2, "{'action':'kick','room':'den','user':3,'reason':'go'}", "kick"},
        {2, "{'action':'member_set','room':'den','user':4,'role':'banned','reason':'spam'}", "ban"},
        {2, "{'action':'member_set','room':'den','user':4,'role':'none'}", "release"},
        {2, "{'action':'room_set','room':'den','topic':'t'}", "settings"},
        {1, "{'action':'room_set','room':'den','archived':true}", "archive"},
        {1, "{'action':'room_set','room':'den','archived':false}", "unarchive"},
        {1, "{'action':'member_set','room':'den','user':3,'role':'owner'}", "role"},
        {3, "{'action':'member_set','room':'den','user':3,'role':'none'}", "role"},
        {1, "{'action':'room_delete','room':'den'}", "room_delete"},
    };
    struct chat_rig *r = *state;
    struct room *audit;
    char act[64];

    begin(r);
    for (unsigned i = 0; i < COUNTOF(cases); i++) {
        chat_rig_has(chat_rig_do(r, cases[i].by, "%s", cases[i].command), "'ok'");
        audit = chat_rig_room(r, "audit:den");
        assert_non_null(audit);
        assert_int_equal(audit->head, i + 3); /* who made it, who became a moderator */
        (void)snprintf(act, sizeof(act), "'act':'%s'", cases[i].act);
        chat_rig_has(
            chat_rig_do(r, 2, "{'action':'history','room':'audit:den','view':'log','limit':1}"),
            act);
    }
    chat_rig_restart(r);
    assert_int_equal(told(r, "den", 2, "'event':'act'"), COUNTOF(cases) + 2);
    assert_int_equal(told(r, "den", 2, "'reason':'spam'"), 1);
}

/* The reason is not for everybody; the person is told of it, wherever they are. */
static void the_reason_is_for_moderators_and_who_it_concerns(void **state)
{
    struct chat_rig *r = *state;
    unsigned before;
    bool own = false;

    begin(r);
    before = r->news_n;
    chat_rig_has(chat_rig_do(r, 2,
                             "{'action':'member_set','room':'den','user':3,'role':'muted',"
                             "'lasts':60000,'reason':'LOUD'}"),
                 "'ok'");
    chat_rig_has_not(chat_rig_do(r, 4, "{'action':'history','room':'den','view':'log'}"), "LOUD");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'@3','view':'log'}"),
                 "'act':'mute','to':'den'");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'@3','view':'log'}"),
                 "'reason':'LOUD'");
    assert_int_equal(told(r, "den", 1, "'reason':'LOUD'"), 1);
    for (unsigned i = before; i < r->news_n; i++)
        own = own || strcmp(r->news[i].room, "@3") == 0;
    assert_true(own);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'send','room':'den','text':'x'}"), "muted");
    chat_rig_has(chat_rig_do(r, 2,
                             "{'action':'member_set','room':'den','user':3,'role':'muted',"
                             "'lasts':999999999999999}"),
                 "bad_value");
}

static void a_kick_ends_the_following_and_no_mute(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_news *last;

    begin(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'join','room':'den'}"), "'ok'");
    assert_string_not_equal(chat_rig_record(r, "u:3", "room:den"), "-");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'member_set','room':'den','user':3,'role':'muted'}"),
                 "'ok'");
    chat_rig_follow(r, "den", 0);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'kick','room':'den','user':3}"), "'ok'");
    for (last = &r->news[r->news_n - 1]; strcmp(last->room, "den") != 0; last--)
        ;
    assert_true(last->lost && last->entry.user_id == 3);
    assert_string_equal(chat_rig_record(r, "u:3", "room:den"), "-");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'join','room':'den'}"), "'role':'muted'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'kick','room':'den','user':1}"), "forbidden");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'kick','room':'den','user':2}"), "bad_value");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'kick','room':'den','user':99}"), "no_such_user");
    chat_rig_has(chat_rig_do(r, 4, "{'action':'kick','room':'den','user':3}"), "forbidden");
}

/* Who may read the log of moderators follows from it; nobody writes there. */
static void the_log_is_for_moderators(void **state)
{
    static const char *const writes[] = {
        "{'action':'send','room':'audit:den','text':'x'}",
        "{'action':'delete','room':'audit:den','target':1}",
        "{'action':'edit','room':'audit:den','target':1,'text':'x'}",
        "{'action':'react','room':'audit:den','target':1,'emoji':'👍'}",
        "{'action':'room_set','room':'audit:den','title':'x'}",
        "{'action':'room_delete','room':'audit:den'}",
        "{'action':'member_set','room':'audit:den','user':3,'role':'owner'}",
        "{'action':'kick','room':'audit:den','user':2}",
        "{'action':'room_create','room':'audit:other'}",
    };
    struct chat_rig *r = *state;

    begin(r);
    for (uint64_t user = 3; user <= 4; user++)
        chat_rig_has(chat_rig_do(r, user, "{'action':'join','room':'audit:den'}"), "not_member");
    for (uint64_t user = 1; user <= 2; user++)
        chat_rig_has(chat_rig_do(r, user, "{'action':'join','room':'audit:den'}"), "'ok'");
    assert_string_equal(chat_rig_record(r, "u:2", "room:audit:den"), "-"); /* on no list */
    for (unsigned i = 0; i < COUNTOF(writes); i++)
        for (uint64_t user = 1; user <= 3; user += 2)
            chat_rig_has(chat_rig_do(r, user, "%s", writes[i]), "'error'");
    assert_int_equal(told(r, "den", 1, "'event':"), 2);
    chat_rig_follow(r, "audit:den", 0);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'member_set','room':'den','user':2,'role':'none'}"),
                 "'ok'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'audit:den'}"), "not_member");
    for (unsigned i = 0; i < r->news_n; i++)
        if (strcmp(r->news[i].room, "audit:den") == 0 && r->news[i].entry.user_id == 2)
            assert_int_equal(r->news[i].lost, r->news[i].seq == 3);
}

/* The process ends between an act and its entry in the log of moderators: that is there, once, for
 * whoever opens it. */
static void no_act_is_without_its_entry(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    r->gate->closed[STORE_APPEND] = true;
    struct chat_rig_call *c = chat_rig_start(
        r, 2, "{'action':'member_set','room':'den','user':3,'role':'muted','reason':'LOUD'}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    store_gate_let(r->gate, 0); /* the act; its entry fails */
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    r->gate->closed[STORE_APPEND] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_has(chat_rig_wait(c), "store_failed");
    chat_rig_free(c);
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'send','room':'den','text':'x'}"), "muted");
    assert_int_equal(told(r, "den", 1, "'reason':'LOUD'"), 1);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'@3','view':'log'}"), "LOUD");
    assert_int_equal(told(r, "den", 2, "'reason':'LOUD'"), 1);
}

/* A room that was made by a version that knows no acts. */
static void an_older_room_begins_with_who_has_a_role(void **state)
{
    struct chat_rig *r = *state;
    char record[512], *act;

    begin(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'room_create','room':'old'}"), "'ok'");
    chat_rig_rest(r, 1000); /* the record is written */
    (void)snprintf(record, sizeof(record), "%s", chat_rig_record(r, "r:old", "state"));
    for (char *p = record; *p != '\0'; p++)
        *p = *p == '\'' ? '"' : *p;
    act = strstr(record, "\"act\":1,");
    assert_non_null(act);
    memmove(act, act + strlen("\"act\":1,"), strlen(act + strlen("\"act\":1,")) + 1);
    chat_rig_put(r, "r:old", "state", record);
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'audit:old'}"), "not_member");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'audit:old','view':'log'}"),
                 "'act':'role','to':'old','user':{'id':3,'name':'u3'},'role':'owner'");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'kick','room':'old','user':4}"), "'ok'");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'audit:old','view':'log'}"),
                 "'act':'kick','to':'old','entry':2");
}

/* What the server does not keep is what was said: acts lead to each other through it. */
static void acts_are_told_though_the_server_keeps_no_messages(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'room_create','room':'busy'}"), "'ok'");
    r->owner.limits.retain_count = 50;
    for (unsigned i = 0; i < 200; i++)
        chat_rig_has(chat_rig_do(r, 4, "{'action':'send','room':'busy','text':'x'}"), "'ok'");
    chat_rig_rest(r, 1000);
    assert_true(chat_rig_room(r, "busy")->first > 100);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'audit:busy','view':'log'}"),
                 "'act':'create','to':'busy','entry':1");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'kick','room':'busy','user':4}"), "'ok'");
    chat_rig_has(
        chat_rig_do(r, 3, "{'action':'history','room':'audit:busy','view':'log','limit':1}"),
        "'act':'kick'");
}

/* The log breaks off among those who have a role: the others are there once it is opened again,
 * nobody twice. */
static void a_log_that_has_half_begun_begins_whole(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'room_create','room':'old'}"), "'ok'");
    chat_rig_rest(r, 1000); /* the record is written */
    chat_rig_put(r, "r:old", "state",
                 "{\"at\":1,\"kind\":\"public\",\"title\":\"\",\"members\":["
                 "[3,\"owner\",0,\"u3\"],[2,\"moderator\",0,\"u2\"],[1,\"owner\",0,\"u1\"]]}");
    chat_rig_restart(r);
    r->gate->closed[STORE_APPEND] = true;
    c = chat_rig_start(r, 3, "{'action':'join','room':'audit:old'}");
    for (unsigned i = 0; i < 2; i++) {
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        if (i == 0)
            store_gate_let(r->gate, 0);
    }
    r->gate->closed[STORE_APPEND] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_has(chat_rig_wait(c), "store_failed");
    chat_rig_free(c);
    for (unsigned i = 0; i < 3; i++) {
        chat_rig_restart(r);
        for (unsigned user = 1; user <= 3; user++)
            assert_int_equal(told(r, "old", user, "'act':'role'"), 3);
    }
}

/* The command's answer, while the log of user 3 cannot be read. */
static void do_while_damaged(struct chat_rig *r, uint64_t user, const char *command,
                             const char *has)
{
    struct chat_rig_call *c;

    r->gate->closed[STORE_LOG] = true;
    c = chat_rig_start(r, user, "%s", command);
    while (!c->ended) {
        while (r->gate->held_n > 0) {
            const struct store_log *log = CONTAINER_OF(r->gate->held[0], struct store_log, req);

            if (str_eq(log->room, STR("@3")))
                store_gate_fail(r->gate, 0, STORE_FAILED);
            else
                store_gate_let(r->gate, 0);
        }
        if (!c->ended)
            assert_true(chat_rig_turn(r));
    }
    chat_rig_has(chat_rig_wait(c), has);
    chat_rig_free(c);
    r->gate->closed[STORE_LOG] = false;
}

/* Who acts on them fails; everybody else goes on, and moderators read of it. */
static void a_person_whose_log_is_damaged_holds_up_nobody_else(void **state)
{
    static const char mute[] =
        "{'action':'member_set','room':'den','user':%u,'role':'%s','reason':'LOUD'}";
    struct chat_rig *r = *state;
    char command[128];

    begin(r);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(command, sizeof(command), mute, 3, i == 0 ? "muted" : "banned");
        do_while_damaged(r, 2, command, "'store_failed'");
    }
    (void)snprintf(command, sizeof(command), mute, 4, "muted");
    do_while_damaged(r, 1, command, "'ok'");
    do_while_damaged(r, 1, "{'action':'history','room':'audit:den'}", "'ok'");
    assert_int_equal(told(r, "den", 2, "'reason':'LOUD'"), 3);
    chat_rig_has(chat_rig_do(r, 4, "{'action':'history','room':'@4','view':'log'}"), "LOUD");
}

CHECK_MAIN(
    cmocka_unit_test_setup_teardown(every_act_is_told_once, chat_rig_setup, chat_rig_teardown),
    cmocka_unit_test_setup_teardown(the_reason_is_for_moderators_and_who_it_concerns,
                                    chat_rig_setup, chat_rig_teardown),
    cmocka_unit_test_setup_teardown(a_kick_ends_the_following_and_no_mute, chat_rig_setup,
                                    chat_rig_teardown),
    cmocka_unit_test_setup_teardown(the_log_is_for_moderators, chat_rig_setup, chat_rig_teardown),
    cmocka_unit_test_setup_teardown(no_act_is_without_its_entry, chat_rig_setup, chat_rig_teardown),
    cmocka_unit_test_setup_teardown(a_person_whose_log_is_damaged_holds_up_nobody_else,
                                    chat_rig_setup, chat_rig_teardown),
    cmocka_unit_test_setup_teardown(an_older_room_begins_with_who_has_a_role, chat_rig_setup,
                                    chat_rig_teardown),
    cmocka_unit_test_setup_teardown(acts_are_told_though_the_server_keeps_no_messages,
                                    chat_rig_setup, chat_rig_teardown),
    cmocka_unit_test_setup_teardown(a_log_that_has_half_begun_begins_whole, chat_rig_setup,
                                    chat_rig_teardown))
