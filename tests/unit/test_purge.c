/* All that a person has said in a room goes (chat/room/purge.h), whatever crashes. */
#include "base/str.h"
#include "chat/room/owner.h"
#include "chat/room/wipe.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

#define MESSAGES 100

/* A room of user 1, where 2 says much that is to go, with edits, and 3 says some that stays. */
static void begin(struct chat_rig *r)
{
    chat_rig_put(r, "u:1", "user", "uu1");
    chat_rig_put(r, "u:2", "user", "uu2");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'den'}"), "'ok'");
    for (unsigned i = 0; i < MESSAGES; i++)
        chat_rig_has(chat_rig_do(r, i % 4 == 3 ? 3 : 2,
                                 "{'action':'send','room':'den','text':'%s'}",
                                 i % 4 == 3 ? "STAYS" : "SECRET"),
                     "'ok'");
    for (unsigned i = 2; i < 50; i += 8)
        chat_rig_has(
            chat_rig_do(r, 2, "{'action':'edit','room':'den','target':%u,'text':'SECRET'}", i),
            "'ok'");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'react','room':'den','target':3,'emoji':'👍'}"),
                 "'ok'");
}

static unsigned left(struct chat_rig *r, const char *text)
{
    return chat_rig_stored(r, "den", UINT64_MAX, text, NULL, NULL);
}

static void nothing_is_told(struct chat_rig *r)
{
    const char *views[] = {"messages", "log"};

    for (unsigned i = 0; i < COUNTOF(views); i++) {
        const char *page = chat_rig_do(
            r, 3, "{'action':'history','room':'den','limit':500,'view':'%s'}", views[i]);

        chat_rig_has(page, "STAYS");
        chat_rig_has_not(page, "SECRET");
    }
    chat_rig_has(chat_rig_do(r, 2, "{'action':'edit','room':'den','target':2,'text':'x'}"),
                 "deleted");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'react','room':'den','target':3,'emoji':'👍'}"),
                 "deleted");
}

static void all_that_was_said_goes(void **state)
{
    struct chat_rig *r = *state;
    uint64_t head;

    begin(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'purge','room':'den','user':2}"), "forbidden");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'purge','room':'den','user':1}"), "forbidden");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'purge','room':'den','user':99}"), "no_such_user");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'purge','room':'den','user':2,'reason':'spam'}"),
                 "'ok'");
    nothing_is_told(r); /* at once */
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'NEW'}"), "'ok'");
    chat_rig_rest(r, 1000);
    head = chat_rig_room(r, "den")->head;
    assert_int_equal(left(r, "SECRET"), 0);
    assert_int_equal(left(r, "STAYS"), MESSAGES / 4);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "-");
    assert_int_equal(chat_rig_room(r, "den")->access.purges_n, 0);
    assert_true(head < MESSAGES + 20); /* few entries */
    chat_rig_restart(r);
    nothing_is_told(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'den'}"), "NEW");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'history','room':'audit:den','view':'log'}"),
                 "'act':'purge'");
}

/* Of the append at the gate. */
static struct str appends_to(const struct chat_rig *r)
{
    return CONTAINER_OF(r->gate->held[0], struct store_append, req)->room;
}

/* The process ends after each number of steps: whoever loads the room goes on, or the next start.
 */
static void a_crash_ends_no_purge(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_APPEND] = true;
    struct chat_rig_call *c = chat_rig_start(r, 1, "{'action':'purge','room':'den','user':2}");
    for (unsigned steps = 0; steps < 3;) { /* the act, and two steps; what is told of it */
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        steps += str_eq(appends_to(r), STR("den"));
        store_gate_let(r->gate, 0);
    }
    while (r->gate->held_n == 0 || !str_eq(appends_to(r), STR("den"))) {
        while (r->gate->held_n > 0 && !str_eq(appends_to(r), STR("den")))
            store_gate_let(r->gate, 0);
        assert_true(chat_rig_turn(r));
    }
    r->gate->closed[STORE_APPEND] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_has(chat_rig_wait(c), "'ok'");
    chat_rig_free(c);
    chat_rig_restart(r);
    assert_in_range(left(r, "SECRET"), 1, MESSAGES);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "1");
    wipe_start(&r->owner);
    chat_rig_rest(r, 1000);
    assert_int_equal(left(r, "SECRET"), 0);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "-");
    nothing_is_told(r);
}

/* What the command answers while no read of the log is answered that asks for more than one entry:
 * those of a purge. */
static const char *purge_held(struct chat_rig *r, unsigned user)
{
    static char answer[1000];
    struct chat_rig_call *c =
        chat_rig_start(r, 1, "{'action':'purge','room':'den','user':%u}", user);

    while (!c->ended) {
        for (unsigned i = 0; i < r->gate->held_n;)
            if (CONTAINER_OF(r->gate->held[i], struct store_read, req)->count_max == 1)
                store_gate_let(r->gate, i);
            else
                i++;
        assert_true(chat_rig_turn(r));
    }
    (void)snprintf(answer, sizeof(answer), "%s", chat_rig_wait(c));
    chat_rig_free(c);
    return answer;
}

/* While the log cannot be read no purge comes to its end. */
static void only_so_many_wait(void **state)
{
    struct chat_rig *r = *state;
    char pk[16], user[16];

    begin(r);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'purge','room':'den','user':2}"), "'ok'");
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_READ] = true;
    for (unsigned i = 0; i <= ACCESS_PURGES_MAX; i++) {
        (void)snprintf(pk, sizeof(pk), "u:%u", 10 + i);
        (void)snprintf(user, sizeof(user), "uu%u", 10 + i);
        chat_rig_put(r, pk, "user", user);
        chat_rig_has(purge_held(r, 10 + i), i < ACCESS_PURGES_MAX ? "'ok'" : "too_many_purges");
    }
    r->gate->closed[STORE_READ] = false;
    store_gate_open(r->gate);
    chat_rig_rest(r, 1000);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'purge','room':'den','user':10}"), "'ok'");
}

/* Until a read of the log is held that asks for more than one entry, as those of a purge do; the
 * others pass. Its place at the gate. */
static unsigned purge_reads(struct chat_rig *r)
{
    for (;;) {
        for (unsigned i = 0; i < r->gate->held_n;) {
            if (CONTAINER_OF(r->gate->held[i], struct store_read, req)->count_max > 1)
                return i;
            store_gate_let(r->gate, i);
        }
        assert_true(chat_rig_turn(r));
    }
}

static void all_is_done(struct chat_rig *r)
{
    assert_int_equal(chat_rig_room(r, "den")->access.purges_n, 0);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "-");
    assert_int_equal(left(r, "SECRET"), 0);
}

/* What the room need not keep is beyond all that the purge is about: it is done. */
static void a_purge_ends_though_its_room_forgets(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;
    uint64_t upto;

    begin(r);
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_READ] = true;
    c = chat_rig_start(r, 1, "{'action':'purge','room':'den','user':2}");
    (void)purge_reads(r);
    r->gate->closed[STORE_READ] = false;
    chat_rig_has(chat_rig_wait(c), "'ok'");
    chat_rig_free(c);
    upto = chat_rig_room(r, "den")->access.purges[0].upto;
    r->owner.limits.retain_count = 1;
    for (unsigned i = 0; i < 50; i++)
        chat_rig_has(chat_rig_do(r, 3, "{'action':'send','room':'den','text':'NEW'}"), "'ok'");
    chat_rig_rest(r, 1000);
    assert_true(chat_rig_room(r, "den")->first > upto);
    assert_int_equal(chat_rig_room(r, "den")->access.purges_n, 1);
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_restart(r);
    wipe_start(&r->owner);
    chat_rig_rest(r, 1000);
    all_is_done(r);
}

/* Nobody has to load the room anew. */
static void a_store_that_fails_ends_no_purge(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_READ] = true;
    c = chat_rig_start(r, 1, "{'action':'purge','room':'den','user':2}");
    store_gate_fail(r->gate, purge_reads(r), STORE_FAILED);
    r->gate->closed[STORE_READ] = false;
    store_gate_open(r->gate);
    r->gate->closed[STORE_APPEND] = true;
    chat_rig_rest(r, 10000);
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    while (r->gate->held_n > 0)
        store_gate_fail(r->gate, 0, STORE_FAILED);
    r->gate->closed[STORE_APPEND] = false;
    chat_rig_free(c);
    chat_rig_rest(r, 60000);
    all_is_done(r);
}

/* The act is not in the log of moderators yet; what it says is done. */
static void a_purge_of_which_none_is_told_goes_on(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_READ] = true;
    c = chat_rig_start(r, 1, "{'action':'purge','room':'den','user':2}");
    while (!c->ended) {
        for (unsigned i = 0; i < r->gate->held_n;)
            if (CONTAINER_OF(r->gate->held[i], struct store_read, req)->count_max == 1)
                store_gate_fail(r->gate, i, STORE_FAILED);
            else
                i++;
        assert_true(chat_rig_turn(r));
    }
    chat_rig_has(chat_rig_wait(c), "store_failed");
    chat_rig_free(c);
    store_gate_open(r->gate);
    chat_rig_rest(r, 1000);
    all_is_done(r);
}

/* Until the removal of a record is held; all else passes. */
static void a_removal_waits(struct chat_rig *r)
{
    for (;;) {
        for (unsigned i = 0; i < r->gate->held_n;) {
            if (CONTAINER_OF(r->gate->held[i], struct store_put, req)->remove)
                return;
            store_gate_let(r->gate, i);
        }
        assert_true(chat_rig_turn(r));
    }
}

/* A purge that comes while the record of the one before goes is not forgotten. */
static void one_purge_follows_another(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    chat_rig_put(r, "u:3", "user", "uu3");
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_PUT] = true;
    c = chat_rig_start(r, 1, "{'action':'purge','room':'den','user':2}");
    a_removal_waits(r);
    r->gate->closed[STORE_PUT] = false;
    chat_rig_free(c);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'purge','room':'den','user':3}"), "'ok'");
    assert_int_equal(chat_rig_room(r, "den")->access.purges_n, 1);
    store_gate_open(r->gate);
    r->gate->closed[STORE_READ] = true;
    (void)purge_reads(r);
    assert_string_equal(chat_rig_record(r, "deleting", "den"), "1");
    store_gate_open(r->gate);
    chat_rig_rest(r, 1000);
    all_is_done(r);
    assert_int_equal(left(r, "STAYS"), 0);
}

/* A step that is too much for the store is done in smaller ones. */
static void a_step_is_as_much_as_the_store_takes(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_APPEND] = true;
    c = chat_rig_start(r, 1, "{'action':'purge','room':'den','user':2}");
    for (unsigned turns = 0; turns < 20000; turns++) {
        while (r->gate->held_n > 0) {
            if (CONTAINER_OF(r->gate->held[0], struct store_append, req)->amends_n > 10)
                store_gate_fail(r->gate, 0, STORE_FULL);
            else
                store_gate_let(r->gate, 0);
        }
        if (c->ended && chat_rig_room(r, "den")->access.purges_n == 0)
            break;
        assert_true(chat_rig_turn(r));
    }
    r->gate->closed[STORE_APPEND] = false;
    chat_rig_free(c);
    chat_rig_rest(r, 1000);
    all_is_done(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(only_so_many_wait), TEST(all_that_was_said_goes), TEST(a_crash_ends_no_purge),
           TEST(a_purge_ends_though_its_room_forgets), TEST(a_store_that_fails_ends_no_purge),
           TEST(a_purge_of_which_none_is_told_goes_on), TEST(one_purge_follows_another),
           TEST(a_step_is_as_much_as_the_store_takes))
