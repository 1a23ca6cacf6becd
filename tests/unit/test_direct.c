#include "chat/room/direct.h"

#include "base/str.h"
#include "chat/room/owner.h"
#include "lib/chat_rig.h"

/* Users 1 and 2 have a direct room with one message; 2 took it off the list. */
static struct chat_rig *begin(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "u:1", "user", "uu1");
    chat_rig_put(r, "u:2", "user", "uu2");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','id':1,'user':2}"), "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'a'}"), "'ok'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'leave','id':1,'room':'dm:1:2'}"), "'ok'");
    assert_string_equal(chat_rig_record(r, "u:2", "room:dm:1:2"), "-");
    return r;
}

/* Before the message is answered, and what was said before is not unread. */
static void the_other_has_it_back(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'b'}"), "'ok'");
    assert_string_equal(chat_rig_record(r, "u:2", "room:dm:1:2"), "2 1");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms','id':1}"), "'unread':1");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'@2','view':'log'}"),
                 "'event':'invite','room':'@2','seq':2");
}

/* The server's list of unwanted words (chat/room/screen.h) is read anew by this message, and by
 * none that follows within the same second. */
static void refresh_words(struct chat_rig *r)
{
    (void)chat_rig_do(r, 3, "{'action':'join','room':'hall'}");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'send','room':'hall','text':'a'}"), "'seq'");
    chat_rig_rest(r, 10);
}

/* What is known of the lists costs nothing. */
static void lists_are_looked_at_once(void **state)
{
    struct chat_rig *r = begin(state);
    unsigned gets;

    (void)chat_rig_do(r, 1, "{'action':'send','room':'dm:1:2','text':'b'}");
    chat_rig_rest(r, 3000);
    refresh_words(r);
    r->gate->closed[STORE_GET] = true;
    for (int i = 0; i < 5; i++)
        chat_rig_has(chat_rig_do(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'b'}"),
                     "'ok'");
    gets = r->gate->held_n;
    store_gate_open(r->gate);
    assert_int_equal(gets, 0);
}

static void a_list_that_cannot_be_written_fails_the_message(void **state)
{
    for (int op = 0; op < 2; op++) {
        struct chat_rig *r = begin(state);
        enum store_op held = op == 0 ? STORE_GET : STORE_PUT;
        struct chat_rig_call *a, *b;

        r->gate->closed[held] = true;
        a = chat_rig_start(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'b'}");
        b = chat_rig_start(r, 1, "{'action':'send','id':2,'room':'dm:1:2','text':'c'}");
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        store_gate_fail(r->gate, 0, STORE_FAILED);
        store_gate_open(r->gate);
        chat_rig_has(chat_rig_wait(a), "'store_failed'");
        chat_rig_has(chat_rig_wait(b), "'store_failed'");
        chat_rig_free(a);
        chat_rig_free(b);
        chat_rig_has(chat_rig_do(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'b'}"),
                     "'ok'");
        assert_string_not_equal(chat_rig_record(r, "u:2", "room:dm:1:2"), "-");
    }
}

/* Who leaves while the lists are looked at has the room back with the next message. */
static void who_leaves_meanwhile_has_it_back_later(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *send;

    r->gate->closed[STORE_GET] = true;
    send = chat_rig_start(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'b'}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    store_gate_let(r->gate, 0); /* the sender's */
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    store_gate_let(r->gate, 0); /* the other's: it is put back */
    r->gate->closed[STORE_GET] = false;
    (void)chat_rig_do(r, 2, "{'action':'leave','room':'dm:1:2'}");
    chat_rig_has(chat_rig_wait(send), "'ok'");
    chat_rig_free(send);
    (void)chat_rig_do(r, 2, "{'action':'leave','room':'dm:1:2'}");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'c'}"), "'ok'");
    assert_string_not_equal(chat_rig_record(r, "u:2", "room:dm:1:2"), "-");
}

/* GETs of the store that a message costs, each list being one. */
static uint64_t looks_of_a_message(struct chat_rig *r)
{
    uint64_t before;

    refresh_words(r);
    before = r->gate->seen[STORE_GET];
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','id':1,'room':'dm:1:2','text':'b'}"), "'ok'");
    return r->gate->seen[STORE_GET] - before;
}

/* At both lists, and at both blocks. */
#define LOOKS 4

/* From now on there may be other nodes. */
static void begin_among_nodes(struct chat_rig *r)
{
    static struct bus_ops ops;

    ops = *r->bus->ops;
    ops.alone = false;
    r->bus->ops = &ops;
}

/* Without followers here nothing is heard of who leaves at another node. */
static void lists_not_heard_of_are_known_for_a_second(void **state)
{
    struct chat_rig *r = begin(state);

    begin_among_nodes(r);
    assert_int_equal(looks_of_a_message(r), LOOKS);
    for (int i = 0; i < 5; i++) {
        chat_rig_rest(r, 10);
        assert_int_equal(looks_of_a_message(r), 0);
    }
    chat_rig_rest(r, 1000);
    assert_int_equal(looks_of_a_message(r), LOOKS);
}

/* With followers it is heard, but for what the bus loses. */
static void lists_heard_of_are_known_for_a_minute(void **state)
{
    struct chat_rig *r = begin(state);

    begin_among_nodes(r);
    chat_rig_follow(r, "dm:1:2", 0);
    assert_int_equal(looks_of_a_message(r), LOOKS);
    chat_rig_rest(r, 50000);
    assert_int_equal(looks_of_a_message(r), 0);
    owner_heard(&r->owner,
                &(struct bus_event){
                    .kind = BUS_CAST, .node = 99, .room = STR("dm:1:2"), .bytes = DIRECT_LEFT});
    assert_int_equal(looks_of_a_message(r), LOOKS);
    chat_rig_rest(r, 61000);
    assert_int_equal(looks_of_a_message(r), LOOKS);
}

static const char *send_as(struct chat_rig *r, uint64_t user)
{
    return chat_rig_do(r, user, "{'action':'send','room':'dm:1:2','text':'b'}");
}

/* Also one that another node has put, and has taken back. */
static void a_block_is_heard_of(void **state)
{
    struct chat_rig *r = begin(state);
    const struct bus_event left = {
        .kind = BUS_CAST, .node = 99, .room = STR("dm:1:2"), .bytes = DIRECT_LEFT};

    begin_among_nodes(r);
    chat_rig_follow(r, "dm:1:2", 0);
    chat_rig_has(send_as(r, 1), "'ok'");
    chat_rig_put(r, "u:2", "block:1", "ana");
    owner_heard(&r->owner, &left);
    chat_rig_has(send_as(r, 1), "'code':'blocked'");
    chat_rig_has(send_as(r, 2), "'code':'blocked'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'block','user':1,'on':false}"), "'on':false");
    assert_string_equal(chat_rig_record(r, "u:2", "block:1"), "-");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'@2','view':'log'}"),
                 "'user':{'id':1,'name':''},'on':false}");
    chat_rig_has(send_as(r, 1), "'ok'");
    chat_rig_put(r, "u:2", "block:1", "ana"); /* the bus loses what is said of it */
    chat_rig_rest(r, 61000);
    chat_rig_has(send_as(r, 1), "'code':'blocked'");
}

/* Nothing goes out while it cannot be told. */
static void blocks_that_cannot_be_read_fail_the_message(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *c;

    r->gate->closed[STORE_GET] = true;
    c = chat_rig_start(r, 1, "{'action':'send','room':'dm:1:2','text':'b'}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_has(chat_rig_wait(c), "'code':'store_failed'");
    chat_rig_free(c);
    store_gate_open(r->gate);
    chat_rig_has(send_as(r, 1), "'ok'");
}

/* Of users 1, 2 and 3, whose direct room this is. */
#define GROUP "dm:g07554f8f9b9f49edf6c13b5a535f88a509237041"

static struct chat_rig *begin_group(void **state)
{
    struct chat_rig *r = *state;

    for (unsigned i = 1; i <= 4; i++) {
        static const char *const ids[] = {"", "u:1", "u:2", "u:3", "u:4"};
        static const char *const users[] = {"", "uu1", "uu2", "uu3", "uu4"};

        chat_rig_put(r, ids[i], "user", users[i]);
    }
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','id':1,'users':'2,3'}"),
                 "'ok':{'room':{'id':'" GROUP
                 "','kind':'group','title':'','people':[{'id':1,'name':"
                 "'u1'},{'id':2,'name':'u2'},{'id':3,'name':'u3'}]");
    return r;
}

/* All have it, and are told; whoever of them asks for it again has the same, and nobody is told. */
static void a_group_is_on_the_lists_of_all(void **state)
{
    struct chat_rig *r = begin_group(state);

    assert_string_equal(chat_rig_record(r, "u:1", "room:" GROUP), "0 0");
    assert_string_equal(chat_rig_record(r, "u:2", "room:" GROUP), "0 0");
    assert_string_equal(chat_rig_record(r, "u:3", "room:" GROUP), "0 0");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'dm','users':'3,2,1'}"), "'id':'" GROUP "'");
    for (unsigned i = 1; i <= 3; i++) {
        const char *log = chat_rig_do(r, i, "{'action':'history','room':'@%u','view':'log'}", i);

        chat_rig_has(log, "'event':'invite'");
        chat_rig_has(log, "'to':'" GROUP "','kind':'group'");
        chat_rig_has_not(log, "'seq':2");
    }
    assert_int_equal(chat_rig_room(r, GROUP)->head, 1);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'rooms'}"), "'people':[{'id':1,'name':'u1'}");
}

static void a_group_is_its_peoples_alone(void **state)
{
    struct chat_rig *r = begin_group(state);

    chat_rig_has(chat_rig_do(r, 4, "{'action':'join','room':'" GROUP "'}"), "'not_member'");
    chat_rig_has(chat_rig_do(r, 4, "{'action':'send','room':'" GROUP "','text':'a'}"),
                 "'not_member'");
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'member_set','room':'" GROUP "','user':4,'role':'member'}"),
        "'forbidden'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'" GROUP "','text':'a'}"), "'seq':2");
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'join','room':'" GROUP "'}"), "'unread':1");
    chat_rig_has(chat_rig_do(r, 4, "{'action':'join','room':'" GROUP "'}"), "'not_member'");
}

/* Each of them before the message is answered; who wrote it is not told. */
static void those_who_left_have_a_group_back(void **state)
{
    struct chat_rig *r = begin_group(state);

    for (unsigned i = 1; i <= 3; i++)
        chat_rig_has(chat_rig_do(r, i, "{'action':'leave','id':1,'room':'" GROUP "'}"), "'ok'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','id':1,'room':'" GROUP "','text':'a'}"),
                 "'ok'");
    for (unsigned i = 1; i <= 3; i++) {
        const char *log = chat_rig_do(r, i, "{'action':'history','room':'@%u','view':'log'}", i);

        (i == 2 ? chat_rig_has_not : chat_rig_has)(log, "'seq':2");
    }
    assert_string_not_equal(chat_rig_record(r, "u:1", "room:" GROUP), "-");
    assert_string_not_equal(chat_rig_record(r, "u:2", "room:" GROUP), "-");
    assert_string_not_equal(chat_rig_record(r, "u:3", "room:" GROUP), "-");
}

/* Either way round; a group that is there goes on. */
static void none_is_made_with_who_is_blocked(void **state)
{
    struct chat_rig *r = begin_group(state);

    chat_rig_put(r, "u:2", "block:1", "u1");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','users':'2,4'}"), "'code':'blocked'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'dm','users':'1,4'}"), "'code':'blocked'");
    assert_string_equal(chat_rig_record(r, "u:4", "room:" GROUP), "-");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','users':'3,4'}"), "'kind':'group'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','users':'2,3'}"), "'kind':'group'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'" GROUP "','text':'a'}"), "'seq':2");
}

static void nonsense_makes_no_group(void **state)
{
    struct chat_rig *r = begin_group(state);

    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','users':'2,99'}"), "'no_such_user'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','users':'1'}"), "'bad_value'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','users':'2,x'}"), "'bad_value'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm'}"), "'missing_parameter'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'dm','users':'2'}"), "'id':'dm:1:2'");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(the_other_has_it_back), EACH(lists_are_looked_at_once),
           EACH(a_list_that_cannot_be_written_fails_the_message),
           EACH(who_leaves_meanwhile_has_it_back_later),
           EACH(lists_not_heard_of_are_known_for_a_second),
           EACH(lists_heard_of_are_known_for_a_minute), EACH(a_block_is_heard_of),
           EACH(blocks_that_cannot_be_read_fail_the_message), EACH(a_group_is_on_the_lists_of_all),
           EACH(a_group_is_its_peoples_alone), EACH(those_who_left_have_a_group_back),
           EACH(none_is_made_with_who_is_blocked), EACH(nonsense_makes_no_group))
