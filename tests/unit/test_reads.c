#include "chat/room/owner.h"
#include "chat/room/reads.h"

#include "base/str.h"
#include "chat/room/presence.h"
#include "lib/chat_rig.h"

/* A room with 10 messages of user 1; its head is 11, count 10. */
static struct chat_rig *begin(void **state)
{
    struct chat_rig *r = *state;

    (void)chat_rig_do(r, 1, "{'action':'join','room':'r'}");
    for (int i = 0; i < 10; i++)
        (void)chat_rig_do(r, 1, "{'action':'send','room':'r','text':'hi'}");
    chat_rig_rest(r, 3000);
    return r;
}

static const char *read_to(struct chat_rig *r, uint64_t user, int seq, int count)
{
    return chat_rig_do(r, user, "{'action':'read','id':1,'room':'r','seq':%d,'count':%d}", seq,
                       count);
}

static const char *record(struct chat_rig *r, uint64_t user)
{
    return chat_rig_record(r, user == 1 ? "u:1" : "u:2", "room:r");
}

static void records_are_decoded(void **state)
{
    uint64_t seq, count;

    (void)state;
    assert_true(reads_decode(STR("12 7"), &seq, &count));
    assert_int_equal(seq, 12);
    assert_int_equal(count, 7);
    assert_false(reads_decode(STR(""), &seq, &count));
    assert_false(reads_decode(STR("12"), &seq, &count));
    assert_false(reads_decode(STR("12 "), &seq, &count));
    assert_false(reads_decode(STR("12 x"), &seq, &count));
    assert_false(reads_decode(STR(" 7"), &seq, &count));
}

static void a_position_is_stored_in_a_while(void **state)
{
    struct chat_rig *r = begin(state);

    assert_string_equal(record(r, 1), "11 10"); /* by sending */
    chat_rig_has(read_to(r, 2, 5, 4), "'ok':{'seq':5,'count':4}");
    assert_string_equal(record(r, 2), "-");
    chat_rig_rest(r, 1900);
    assert_string_equal(record(r, 2), "-");
    chat_rig_rest(r, 300);
    assert_string_equal(record(r, 2), "5 4");
    assert_int_equal(map_n(&chat_rig_room(r, "r")->reads), 0);
}

/* It never goes back: not in memory, not below what is stored, in no answer. */
static void a_position_does_not_go_back(void **state)
{
    struct chat_rig *r = begin(state);

    (void)read_to(r, 2, 8, 7);
    chat_rig_has(read_to(r, 2, 5, 4), "'ok':{'seq':8,'count':7}");
    chat_rig_rest(r, 3000);
    assert_string_equal(record(r, 2), "8 7");
    chat_rig_has(read_to(r, 2, 5, 4), "'ok':{'seq':8,'count':7}");
    chat_rig_has(r->cast, "'seq':8,'count':7");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms'}"), "'read':{'seq':8,'count':7},'unread':3");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'r'}"), "'read':{'seq':8,'count':7}");
    chat_rig_rest(r, 3000);
    assert_string_equal(record(r, 2), "8 7");
}

static void more_than_there_is_cannot_be_read(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_has(read_to(r, 2, 500, 0), "'ok':{'seq':11,'count':10}");
    chat_rig_has(read_to(r, 2, 3, 500), "'ok':{'seq':11,'count':10}");
    chat_rig_rest(r, 3000);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms'}"), "'unread':0");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'read','room':'none','seq':1}"), "'no_such_room'");
}

/* At the head all is read, whatever count says; before it, unread is a bound. */
static void unread_is_what_came_since(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_has(chat_rig_do(r, 2, "{'action':'read','id':1,'room':'r','seq':11}"),
                 "'ok':{'seq':11,'count':10}");
    (void)chat_rig_do(r, 1, "{'action':'send','room':'r','text':'hi'}");
    (void)chat_rig_do(r, 1, "{'action':'react','room':'r','target':2,'emoji':'\xf0\x9f\x91\x8d'}");
    chat_rig_rest(r, 3000);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms'}"), "'unread':1");
    (void)chat_rig_do(r, 2, "{'action':'send','room':'r','text':'hi'}");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms'}"), "'unread':0");
}

static void who_joins_first_has_read_all(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'r'}"), "'read':{'seq':11,'count':10}");
    (void)chat_rig_do(r, 1, "{'action':'send','room':'r','text':'hi'}");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'r'}"), "'read':{'seq':11,'count':10}");
    chat_rig_rest(r, 3000);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'r'}"), "'read':{'seq':11,'count':10}");
}

/* However often somebody reads, followers are told now and then, of the last. */
static void followers_are_told_now_and_then(void **state)
{
    struct chat_rig *r = begin(state);
    unsigned before = r->casts_n;

    (void)read_to(r, 2, 2, 1);
    assert_int_equal(r->casts_n, before + 1);
    chat_rig_has(r->cast, "{'event':'read','room':'r','user':2,'seq':2,'count':1}");
    for (int i = 0; i < 50; i++)
        (void)read_to(r, 2, 2, 1);
    assert_int_equal(r->casts_n, before + 1);
    for (int seq = 3; seq <= 9; seq++)
        (void)read_to(r, 2, seq, seq - 1);
    assert_int_equal(r->casts_n, before + 1);
    chat_rig_rest(r, 2500);
    assert_int_equal(r->casts_n, before + 2);
    chat_rig_has(r->cast, "'seq':9,'count':8");
    chat_rig_rest(r, 5000);
    assert_int_equal(r->casts_n, before + 2);
}

/* Moves on while it is being written: the rest is written next. */
static void what_moves_on_meanwhile_is_written_next(void **state)
{
    struct chat_rig *r = begin(state);

    r->gate->closed[STORE_PUT] = true;
    (void)read_to(r, 2, 5, 4);
    chat_rig_rest(r, 2500);
    assert_int_equal(r->gate->held_n, 1);
    (void)read_to(r, 2, 9, 8);
    store_gate_open(r->gate);
    chat_rig_rest(r, 500);
    assert_string_equal(record(r, 2), "5 4");
    chat_rig_rest(r, 3000);
    assert_string_equal(record(r, 2), "9 8");
}

static void a_failed_write_is_repeated(void **state)
{
    struct chat_rig *r = begin(state);

    for (int op = 0; op < 2; op++) {
        r->gate->closed[op == 0 ? STORE_GET : STORE_PUT] = true;
        (void)read_to(r, 2, 11, 10);
        chat_rig_rest(r, 2500);
        assert_int_equal(r->gate->held_n, 1);
        store_gate_fail(r->gate, 0, STORE_FAILED);
        store_gate_open(r->gate);
        chat_rig_rest(r, 5000);
        assert_string_equal(record(r, 2), "11 10");
        chat_rig_put(r, "u:2", "room:r", "1 0");
    }
}

/* Another node wrote between our look and our write: what it wrote is not lost. */
static void another_nodes_position_is_kept(void **state)
{
    struct chat_rig *r = begin(state);

    r->gate->closed[STORE_PUT] = true;
    (void)read_to(r, 2, 5, 4);
    chat_rig_rest(r, 2500);
    chat_rig_put(r, "u:2", "room:r", "10 9");
    store_gate_open(r->gate);
    chat_rig_rest(r, 5000);
    assert_string_equal(record(r, 2), "10 9");
    assert_int_equal(map_n(&chat_rig_room(r, "r")->reads), 0);
}

/* Who leaves while the position is being written has left, in whatever order the
 * store gets to it. */
static void who_leaves_has_left(void **state)
{
    struct chat_rig *r = begin(state);

    for (int order = 0; order < 4; order++) {
        struct chat_rig_call *leave;
        enum store_op held = order < 2 ? STORE_PUT : STORE_GET;

        r->gate->closed[held] = true;
        (void)read_to(r, 2, 11, 10);
        chat_rig_rest(r, 2500);
        assert_int_equal(r->gate->held_n, 1); /* the position */
        leave = chat_rig_start(r, 2, "{'action':'leave','id':1,'room':'r'}");
        if (held == STORE_PUT) {
            assert_int_equal(r->gate->held_n, 2); /* and its removal */
            store_gate_let(r->gate, order == 0 ? 0 : 1);
            chat_rig_rest(r, 50);
        }
        store_gate_open(r->gate);
        chat_rig_has(chat_rig_wait(leave), "'ok':{'room':'r'}");
        chat_rig_free(leave);
        chat_rig_rest(r, 5000);
        assert_string_equal(record(r, 2), "-");
        chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms','id':1}"), "'rooms':[]");
    }
}

/* And who comes back meanwhile is back. */
static void who_comes_back_is_back(void **state)
{
    struct chat_rig *r = begin(state);
    struct chat_rig_call *leave;

    r->gate->closed[STORE_PUT] = true;
    (void)read_to(r, 2, 5, 4);
    chat_rig_rest(r, 2500);
    leave = chat_rig_start(r, 2, "{'action':'leave','room':'r'}");
    store_gate_let(r->gate, 1);
    chat_rig_free(leave);
    (void)read_to(r, 2, 11, 10);
    store_gate_open(r->gate);
    chat_rig_rest(r, 8000);
    assert_string_equal(record(r, 2), "11 10");
}

/* Before the end all is written at once. */
static void settling_writes_all(void **state)
{
    struct chat_rig *r = begin(state);

    (void)read_to(r, 2, 5, 4);
    owner_settle(&r->owner);
    assert_true(owner_busy(&r->owner));
    chat_rig_rest(r, 100);
    assert_false(owner_busy(&r->owner));
    assert_string_equal(record(r, 2), "5 4");
}

/* A room with positions to be written stays; then it may go. */
static void a_room_waits_for_its_positions(void **state)
{
    struct chat_rig *r = begin(state);

    (void)read_to(r, 2, 5, 4);
    for (int i = 0; i < 20; i++)
        (void)chat_rig_do(r, 1, "{'action':'history','room':'other-%d'}", i);
    assert_non_null(chat_rig_room(r, "r"));
    chat_rig_rest(r, 3000);
    for (int i = 0; i < 20; i++)
        (void)chat_rig_do(r, 1, "{'action':'history','room':'other-%d'}", i);
    assert_null(chat_rig_room(r, "r"));
    assert_true(map_n(&r->owner.rooms) <= 9);
    assert_string_equal(record(r, 2), "5 4");
}

/* What is seldom stored is told no later for it. */
static void followers_do_not_wait_for_the_store(void **state)
{
    struct chat_rig *r = begin(state);
    unsigned before = r->casts_n;

    r->owner.limits.read_every_ms = 30000;
    (void)read_to(r, 2, 2, 1);
    (void)read_to(r, 2, 9, 8);
    assert_int_equal(r->casts_n, before + 1);
    chat_rig_rest(r, 2100);
    assert_int_equal(r->casts_n, before + 2);
    chat_rig_has(r->cast, "'seq':9,'count':8");
    (void)read_to(r, 2, 10, 9);
    assert_int_equal(r->casts_n, before + 2);
    chat_rig_rest(r, 2100);
    assert_int_equal(r->casts_n, before + 3);
    assert_string_equal(record(r, 2), "-");
    chat_rig_rest(r, 25700); /* 29.9 s in all */
    assert_string_equal(record(r, 2), "-");
    chat_rig_rest(r, 200);
    assert_string_equal(record(r, 2), "10 9");
    assert_int_equal(r->casts_n, before + 3);
}

/* Each of 20,000 told 20,000 of what they had read. */
static void in_a_room_of_many_only_they_are_told(void **state)
{
    struct chat_rig *r = begin(state);

    chat_rig_follow(r, "r", 0);
    owner_present(&r->owner, STR("r"), 0, 200, NULL);
    (void)read_to(r, 2, 4, 3);
    assert_string_equal(r->cast_to, "@2");
    chat_rig_has(r->cast, "'room':'r','user':2,'seq':4,'count':3");
    owner_present(&r->owner, STR("r"), 0, 1, &(struct presence_person){2, STR("u2")});
    chat_rig_rest(r, 3000);
    (void)read_to(r, 2, 5, 4);
    assert_string_equal(r->cast_to, "r");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(cmocka_unit_test(records_are_decoded), EACH(a_position_is_stored_in_a_while),
           EACH(a_position_does_not_go_back), EACH(more_than_there_is_cannot_be_read),
           EACH(unread_is_what_came_since), EACH(who_joins_first_has_read_all),
           EACH(followers_are_told_now_and_then), EACH(followers_do_not_wait_for_the_store),
           EACH(in_a_room_of_many_only_they_are_told),
           EACH(what_moves_on_meanwhile_is_written_next), EACH(a_failed_write_is_repeated),
           EACH(another_nodes_position_is_kept), EACH(who_leaves_has_left),
           EACH(who_comes_back_is_back), EACH(settling_writes_all),
           EACH(a_room_waits_for_its_positions))
