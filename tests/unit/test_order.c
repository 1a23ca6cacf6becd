#include "chat/room/order.h"

#include "lib/chat_rig.h"

#include <stdio.h>

/* Users 1 and 2 exist; the room r is 1's and has a message of theirs with seq 2. */
static struct chat_rig *begin(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "u:1", "user", "uu1");
    chat_rig_put(r, "u:2", "user", "uu2");
    (void)chat_rig_do(r, 1, "{'action':'join','room':'r'}");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','id':1,'room':'r','text':'a'}"), "'seq':2");
    (void)chat_rig_do(r, 2, "{'action':'join','room':'r'}");
    chat_rig_rest(r, 3000);
    return r;
}

static const char *const slow[] = {
    "{'action':'member_set','id':1,'room':'r','user':2,'role':'moderator'}",
    "{'action':'edit','id':1,'room':'r','target':2,'text':'b'}",
    "{'action':'react','id':1,'room':'r','target':2,'emoji':'\xf0\x9f\x91\x8d'}",
    "{'action':'delete','id':1,'room':'r','target':2}",
};

/* The kind: what has to ask the store, then what has not, of one connection at once. */
static void what_asks_the_store_comes_first(void **state)
{
    struct chat_rig *r = begin(state);

    for (size_t i = 0; i < COUNTOF(slow); i++) {
        struct chat_rig_call *a, *b, *c, *other;
        uint64_t seq;

        r->gate->closed[STORE_GET] = r->gate->closed[STORE_READ] = true;
        a = chat_rig_start(r, 1, "%s", slow[i]);
        b = chat_rig_start(r, 1, "{'action':'send','id':1,'room':'r','text':'after'}");
        c = chat_rig_start(r, 1, "{'action':'room_set','id':1,'room':'r','title':'t'}");
        other = chat_rig_start(r, 2, "{'action':'send','id':1,'room':'r','text':'another'}");
        chat_rig_has(chat_rig_wait(other), "'ok'"); /* waits for nobody else's */
        assert_false(b->ended || c->ended);
        r->gate->closed[STORE_GET] = r->gate->closed[STORE_READ] = false;
        store_gate_open(r->gate);
        seq = chat_rig_number(chat_rig_wait(other), "seq");
        assert_int_equal(chat_rig_number(chat_rig_wait(a), "seq"), seq + 1);
        assert_int_equal(chat_rig_number(chat_rig_wait(b), "seq"), seq + 2);
        assert_int_equal(chat_rig_number(chat_rig_wait(c), "seq"), seq + 3);
        chat_rig_free(a);
        chat_rig_free(b);
        chat_rig_free(c);
        chat_rig_free(other);
    }
}

/* One that fails holds up nothing. */
static void what_fails_is_out_of_the_way(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *a, *b;

    a = chat_rig_start(r, 1, "{'action':'member_set','id':1,'room':'r','user':9,'role':'owner'}");
    b = chat_rig_start(r, 1, "{'action':'send','id':1,'room':'r','text':'after'}");
    chat_rig_has(chat_rig_wait(a), "'no_such_user'");
    chat_rig_has(chat_rig_wait(b), "'ok'");
    chat_rig_free(a);
    chat_rig_free(b);
}

/* Who joins and writes at once sees what they write. */
static void a_send_follows_its_join(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *a, *b;

    a = chat_rig_start(r, 5, "{'action':'join','id':1,'room':'r'}");
    b = chat_rig_start(r, 5, "{'action':'send','id':1,'room':'r','text':'after'}");
    chat_rig_has(chat_rig_wait(a), "'head':{'seq':2,'count':1}");
    chat_rig_has(chat_rig_wait(b), "'seq':3");
    assert_true(a->order < b->order);
    chat_rig_free(a);
    chat_rig_free(b);
    a = chat_rig_start(r, 5, "{'action':'join','id':1,'room':'new'}");
    b = chat_rig_start(r, 5, "{'action':'send','id':1,'room':'new','text':'after'}");
    chat_rig_has(chat_rig_wait(a), "'head':{'seq':1,'count':0}");
    chat_rig_has(chat_rig_wait(b), "'seq':2");
    chat_rig_free(a);
    chat_rig_free(b);
}

/* A send that looks for its first attempt in the store keeps its place. */
static void a_send_that_looks_for_itself_keeps_its_place(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *a, *b;
    uint64_t seq;

    for (int i = 0; i < 300; i++)
        (void)chat_rig_do(r, 2, "{'action':'send','room':'r','text':'x'}");
    (void)chat_rig_do(r, 1, "%s", slow[0]); /* roles are stored: the log is not read for them */
    chat_rig_rest(r, 3000);
    chat_rig_restart(r);
    (void)chat_rig_do(r, 2, "{'action':'join','room':'r'}"); /* 64 are in memory */
    r->gate->closed[STORE_READ] = true;
    a = chat_rig_start(r, 1, "{'action':'send','id':1,'room':'r','text':'1','cid':'c','seen':3}");
    b = chat_rig_start(r, 1, "{'action':'send','id':1,'room':'r','text':'2'}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    chat_rig_rest(r, 100);
    assert_false(b->ended);
    r->gate->closed[STORE_READ] = false;
    store_gate_open(r->gate);
    seq = chat_rig_number(chat_rig_wait(a), "seq");
    assert_int_equal(chat_rig_number(chat_rig_wait(b), "seq"), seq + 1);
    chat_rig_free(a);
    chat_rig_free(b);
}

/* All commands behind one that prepares run, however many, each in its place. */
static void many_wait_behind_one(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *calls[60];
    uint64_t seq = 0;

    r->gate->closed[STORE_GET] = true;
    for (size_t i = 0; i < COUNTOF(calls); i++)
        calls[i] = chat_rig_start(
            r, 1, "%s", i % 3 == 0 ? slow[0] : "{'action':'send','id':1,'room':'r','text':'x'}");
    r->gate->closed[STORE_GET] = false;
    store_gate_open(r->gate);
    for (size_t i = 0; i < COUNTOF(calls); i++) {
        uint64_t now = chat_rig_number(chat_rig_wait(calls[i]), "seq");

        assert_true(now > seq);
        seq = now;
        chat_rig_free(calls[i]);
    }
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(what_asks_the_store_comes_first), EACH(what_fails_is_out_of_the_way),
           EACH(a_send_follows_its_join), EACH(a_send_that_looks_for_itself_keeps_its_place),
           EACH(many_wait_behind_one))
