#include "chat/room/change.h"

#include "lib/chat_rig.h"

#include <stdio.h>

/* The room with a message of user 5; its seq is 2. */
static struct chat_rig *begin(void **state)
{
    struct chat_rig *r = *state;

    (void)chat_rig_do(r, 5, "{'action':'join','room':'r'}");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'send','room':'r','text':'first'}"), "'seq':2");
    return r;
}

static const char *view(struct chat_rig *r, const char *name)
{
    return chat_rig_do(r, 5, "{'action':'history','room':'r','limit':500,'view':'%s'}", name);
}

static void a_message_is_edited(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_has(
        chat_rig_do(r, 5, "{'action':'edit','id':1,'room':'r','target':2,'text':'second'}"),
        "'ok':{'seq':3,'ts':");
    chat_rig_has(view(r, "messages"), "'text':'second','rev':3,'edited':");
    chat_rig_has(view(r, "log"), "'text':'first'");
    (void)chat_rig_do(r, 5, "{'action':'react','room':'r','target':2,'emoji':'\xf0\x9f\x91\x8d'}");
    (void)chat_rig_do(r, 5, "{'action':'edit','room':'r','target':2,'text':'third'}");
    chat_rig_has(view(r, "messages"), "'text':'third','rev':5,'edited':");
    chat_rig_has(view(r, "messages"), "'reactions':{'\xf0\x9f\x91\x8d':[5]}");
}

static void refusals(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_has(chat_rig_do(r, 6, "{'action':'edit','room':'r','target':2,'text':'x'}"),
                 "'forbidden'");
    chat_rig_has(chat_rig_do(r, 6, "{'action':'delete','room':'r','target':2}"), "'forbidden'");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'delete','room':'r','target':1}"),
                 "'no_such_message'");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'delete','room':'r','target':0}"),
                 "'no_such_message'");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'delete','room':'r','target':3}"),
                 "'no_such_message'");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'delete','room':'none','target':1}"),
                 "'no_such_room'");
    (void)chat_rig_do(r, 5, "{'action':'delete','room':'r','target':2}");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'delete','room':'r','target':2}"), "'deleted'");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'edit','room':'r','target':2,'text':'x'}"),
                 "'deleted'");
    chat_rig_has(
        chat_rig_do(r, 5, "{'action':'react','room':'r','target':2,'emoji':'\xf0\x9f\x91\x8d'}"),
        "'deleted'");
    assert_int_equal(chat_rig_number(view(r, "log"), "seq"), 1);
    assert_int_equal(chat_rig_room(r, "r")->head, 3);
}

/* Nothing that was said is left: not in the message, its state, its edits. */
static void a_deletion_takes_the_edits_along(void **state)
{
    struct chat_rig *r = begin(state);
    const struct chat_rig_news *news;

    (void)chat_rig_do(r, 5, "{'action':'send','room':'r','text':'other'}");
    (void)chat_rig_do(r, 5, "{'action':'edit','room':'r','target':2,'text':'second'}");
    (void)chat_rig_do(r, 5, "{'action':'edit','room':'r','target':3,'text':'other edit'}");
    (void)chat_rig_do(r, 5, "{'action':'react','room':'r','target':2,'emoji':'\xf0\x9f\x91\x8d'}");
    (void)chat_rig_do(r, 5, "{'action':'edit','room':'r','target':2,'text':'third'}");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'delete','id':1,'room':'r','target':2}"), "'seq':8");
    for (int i = 0; i < 2; i++) {
        chat_rig_has_not(view(r, "log"), "first");
        chat_rig_has_not(view(r, "log"), "second");
        chat_rig_has_not(view(r, "log"), "third");
        chat_rig_has(view(r, "log"), "'other edit'");
        chat_rig_has(view(r, "log"), "'seq':4,'count':2");
        chat_rig_has(view(r, "messages"), "'text':'','rev':8,'deleted':true}");
        chat_rig_has(view(r, "messages"), "'text':'other edit','rev':5");
        if (i == 0)
            chat_rig_restart(r);
    }
    (void)chat_rig_do(r, 5, "{'action':'delete','room':'r','target':3}");
    news = &r->news[0];
    assert_int_equal(news->entry.kind, ENTRY_DELETE);
    assert_int_equal(news->entry.target, 3);
    assert_int_equal(news->entry.redacts.n, 1);
    assert_int_equal(news->entry.redacts.p[0], 5);
    chat_rig_has_not(view(r, "log"), "other");
}

/* However often a message is edited, what a deletion takes along is bounded. */
static void the_oldest_of_many_edits_loses_its_text(void **state)
{
    struct chat_rig *r = begin(state);
    char text[32];

    for (unsigned i = 1; i <= CHANGE_EDITS_MAX + 2; i++)
        (void)chat_rig_do(r, 5, "{'action':'edit','room':'r','target':2,'text':'edit-%u.'}", i);
    chat_rig_has_not(view(r, "log"), "edit-1.");
    chat_rig_has_not(view(r, "log"), "edit-2.");
    for (unsigned i = 3; i <= CHANGE_EDITS_MAX + 2; i++) {
        (void)snprintf(text, sizeof(text), "edit-%u.", i);
        chat_rig_has(view(r, "log"), text);
    }
    assert_int_equal(r->news[r->news_n - 1].entry.redacts.n, 1);
    assert_int_equal(r->news[r->news_n - 1].entry.redacts.p[0], 4);
    (void)chat_rig_do(r, 5, "{'action':'delete','room':'r','target':2}");
    chat_rig_has_not(view(r, "log"), "edit-");
    chat_rig_has_not(view(r, "messages"), "edit-");
}

/* Changes at once: one after the other, none lost. */
static void changes_at_once_are_merged(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *calls[60];

    for (unsigned i = 0; i < COUNTOF(calls); i++)
        calls[i] = chat_rig_start(r, 5 + i % 20,
                                  i % 20 == 0 ? "{'action':'edit','id':1,'room':'r',"
                                                "'target':2,'text':'edit'}"
                                              : "{'action':'react','id':1,'room':"
                                                "'r','target':2,'emoji':'\xf0\x9f\x91\x8d'}");
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        chat_rig_has(chat_rig_wait(calls[i]), "'ok'");
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        chat_rig_free(calls[i]);
    assert_int_equal(chat_rig_room(r, "r")->head, 62);
    chat_rig_has(view(r, "messages"), "'text':'edit'");
    chat_rig_has(view(r, "messages"),
                 "{'\xf0\x9f\x91\x8d':[6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24]}");
}

/* Very many that fail at once do not fail within each other. */
static void failures_do_not_pile_up(void **state)
{
    enum { N = 2000 };
    struct chat_rig *r = begin(state);
    static struct chat_rig_call *calls[N];

    r->gate->closed[STORE_READ] = true;
    for (unsigned i = 0; i < N; i++)
        calls[i] = chat_rig_start(r, 5, "{'action':'delete','id':1,'room':'r','target':%u}",
                                  i == 0 ? 2 : 99);
    store_gate_open(r->gate);
    for (unsigned i = 0; i < N; i++)
        chat_rig_has(chat_rig_wait(calls[i]), i == 0 ? "'ok'" : "'no_such_message'");
    for (unsigned i = 1; i < N; i++)
        assert_int_equal(calls[i]->order, calls[i - 1]->order + 1);
    for (unsigned i = 0; i < N; i++)
        chat_rig_free(calls[i]);
}

static void a_failing_store_is_told(void **state)
{
    struct chat_rig *r = begin(state);
    static const enum store_op ops[] = {STORE_READ, STORE_AMENDS, STORE_APPEND};

    (void)chat_rig_do(r, 5, "{'action':'edit','room':'r','target':2,'text':'second'}");
    for (unsigned i = 0; i < COUNTOF(ops); i++) {
        struct chat_rig_call *c;

        r->gate->closed[ops[i]] = true;
        c = chat_rig_start(r, 5, "{'action':'delete','id':1,'room':'r','target':2}");
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        store_gate_fail(r->gate, 0, STORE_FAILED);
        chat_rig_has(chat_rig_wait(c), "'store_failed'");
        chat_rig_free(c);
        store_gate_open(r->gate);
    }
    chat_rig_has(chat_rig_do(r, 5, "{'action':'delete','id':1,'room':'r','target':2}"), "'ok'");
    chat_rig_has_not(view(r, "log"), "second");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(a_message_is_edited), EACH(refusals), EACH(a_deletion_takes_the_edits_along),
           EACH(the_oldest_of_many_edits_loses_its_text), EACH(changes_at_once_are_merged),
           EACH(failures_do_not_pile_up), EACH(a_failing_store_is_told))
