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

static void read_over(struct store_req *req)
{
    req->done = NULL;
}

/* How many entries and states of the store have the text. */
static unsigned left(struct chat_rig *r, const char *text)
{
    struct store_read read = {.req = {.home = r->io, .done = read_over},
                              .room = STR("den"),
                              .from = 1,
                              .count_max = 10000,
                              .bytes_max = 10000000};
    struct store_amends amends = {
        .req = {.home = r->io, .done = read_over}, .room = STR("den"), .from = 1, .to = 10000};
    struct store_item item;
    unsigned n = 0;
    size_t at = 0;

    store_read(r->mem, &read);
    while (read.req.done != NULL)
        assert_true(chat_rig_turn(r));
    while (store_block_next(read.ret_block, &at, &item))
        n += memmem(item.body.p, item.body.n, text, strlen(text)) != NULL;
    frame_unref(read.ret_block);
    store_amends(r->mem, &amends);
    while (amends.req.done != NULL)
        assert_true(chat_rig_turn(r));
    for (at = 0; store_block_next(amends.ret_block, &at, &item);)
        n += memmem(item.body.p, item.body.n, text, strlen(text)) != NULL;
    frame_unref(amends.ret_block);
    return n;
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

/* The process ends after each number of steps: whoever loads the room goes on, or the next start.
 */
static void a_crash_ends_no_purge(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_APPEND] = true;
    struct chat_rig_call *c = chat_rig_start(r, 1, "{'action':'purge','room':'den','user':2}");
    for (unsigned step = 0; step < 5; step++) { /* the act, what is told of it, two steps */
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        store_gate_let(r->gate, 0);
    }
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
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

CHECK_MAIN(cmocka_unit_test_setup_teardown(only_so_many_wait, chat_rig_setup, chat_rig_teardown),
           cmocka_unit_test_setup_teardown(all_that_was_said_goes, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(a_crash_ends_no_purge, chat_rig_setup,
                                           chat_rig_teardown))
