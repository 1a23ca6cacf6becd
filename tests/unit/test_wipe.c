/* Rooms that are deleted (chat/room/wipe.h): nobody reads anything of them from then on, and what
 * was said in them goes from the store, whatever crashes. */
#include "base/amend.h"
#include "base/str.h"
#include "chat/room/owner.h"
#include "chat/room/wipe.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

#define MESSAGES 130

/* A public room of user 1 with a title and a topic, many messages, some of them changed. */
static void begin(struct chat_rig *r)
{
    chat_rig_put(r, "u:2", "user", "uu2");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'den','title':'SECRET'}"),
                 "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','topic':'SECRET'}"), "'ok'");
    for (unsigned i = 0; i < MESSAGES; i++)
        chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'SECRET'}"), "'ok'");
    for (unsigned i = 3; i < 100; i += 9)
        chat_rig_has(
            chat_rig_do(r, 2, "{'action':'edit','room':'den','target':%u,'text':'SECRET'}", i),
            "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'react','room':'den','target':7,'emoji':'👍'}"),
                 "'ok'");
}

/* How many entries and states hold what was said. */
static unsigned left(struct chat_rig *r)
{
    unsigned entries_n, n = chat_rig_stored(r, "den", UINT64_MAX, "SECRET", "👍", &entries_n);

    assert_true(entries_n > MESSAGES);
    return n;
}

static void gone_for_good(struct chat_rig *r)
{
    static const char *const commands[] = {
        "{'action':'join','room':'den'}",
        "{'action':'history','room':'den'}",
        "{'action':'send','room':'den','text':'x'}",
        "{'action':'members','room':'den'}",
        "{'action':'room_set','room':'den','archived':false}",
        "{'action':'room_delete','room':'den'}",
    };

    for (unsigned i = 0; i < COUNTOF(commands); i++)
        for (uint64_t user = 1; user <= 3; user++)
            chat_rig_has(chat_rig_do(r, user, "%s", commands[i]), "no_such_room");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'den'}"), "room_exists");
}

static void a_deleted_room_is_gone(void **state)
{
    struct chat_rig *r = *state;
    unsigned lost = 0, before;

    begin(r);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'den'}"), "'ok'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms'}"), "'id':'den'");
    assert_true(left(r) > MESSAGES);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'room_delete','room':'den'}"), "forbidden");
    before = r->news_n;
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_delete','room':'den'}"), "'ok'");
    gone_for_good(r);
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r), 0);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "-");
    for (unsigned i = before; i < r->news_n; i++)
        lost += r->news[i].lost;
    assert_true(lost > 0); /* whoever follows it does so no longer */
    /* It goes off the lists that it is found on. */
    assert_string_not_equal(chat_rig_record(r, "u:2", "room:den"), "-");
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'rooms'}"), "'id':'den'");
    assert_string_equal(chat_rig_record(r, "u:2", "room:den"), "-");
    chat_rig_restart(r);
    gone_for_good(r);
    chat_rig_has_not(chat_rig_record(r, "r:den", "state"), "SECRET");
    chat_rig_has_not(chat_rig_do(r, 3, "{'action':'directory'}"), "den");
}

/* The process ends after each number of steps: the next one goes on when it starts. */
static void a_crash_ends_no_deletion(void **state)
{
    struct chat_rig *r = *state;
    unsigned before = 0;

    begin(r);
    r->gate->closed[STORE_APPEND] = true;
    struct chat_rig_call *c = chat_rig_start(r, 1, "{'action':'room_delete','room':'den'}");
    for (unsigned step = 0; step < 3; step++) {
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        store_gate_let(r->gate, 0); /* one more is done */
    }
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    r->gate->closed[STORE_APPEND] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_has(chat_rig_wait(c), "'ok'");
    chat_rig_free(c);
    chat_rig_restart(r);
    before = left(r);
    assert_in_range(before, 1, MESSAGES);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "1");
    wipe_start(&r->owner);
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r), 0);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "-");
    gone_for_good(r);
}

/* A record of a deletion that did not come to pass takes nothing away. */
static void what_was_not_deleted_stays(void **state)
{
    struct chat_rig *r = *state;
    unsigned all;

    begin(r);
    all = left(r);
    chat_rig_put(r, "deleting", "den", "1");
    chat_rig_restart(r);
    wipe_start(&r->owner);
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r), all);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "-");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'den'}"), "SECRET");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(a_deleted_room_is_gone), TEST(a_crash_ends_no_deletion),
           TEST(what_was_not_deleted_stays))
