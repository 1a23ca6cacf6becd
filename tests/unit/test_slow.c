/* Slow mode (chat/room/slow.h), and the settings of rooms (chat/command/cmd_room.c). */
#include "base/str.h"
#include "chat/room/owner.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

/* A public room of user 1, in which each may send every minute. */
static void begin(struct chat_rig *r)
{
    chat_rig_put(r, "u:2", "user", "uu2");
    chat_rig_put(r, "u:3", "user", "uu3");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'hall','title':'Hall'}"),
                 "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'hall','slow':60}"), "'ok'");
}

static const char *say(struct chat_rig *r, uint64_t user, const char *cid)
{
    return chat_rig_do(r, user, "{'action':'send','room':'hall','text':'x','cid':'%s'}", cid);
}

static void refused(struct chat_rig *r, uint64_t user, const char *cid, uint64_t least,
                    uint64_t most)
{
    const char *answer = say(r, user, cid);

    chat_rig_has(answer, "slow_mode");
    assert_in_range(chat_rig_number(answer, "retry_after_ms"), least, most);
}

static void each_waits_for_their_turn(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    chat_rig_has(say(r, 2, "a"), "'ok'");
    refused(r, 2, "b", 59000, 60000);
    chat_rig_has(say(r, 2, "a"), "'duplicate':true"); /* a repeat is no other message */
    chat_rig_has(say(r, 3, "a"), "'ok'");             /* another person's turn is another */
    chat_rig_rest(r, 30000);
    refused(r, 2, "b", 29000, 30000);
    chat_rig_rest(r, 30000);
    chat_rig_has(say(r, 2, "b"), "'ok'");
    for (unsigned i = 0; i < 3; i++) { /* whose room it is need not wait */
        char cid[2] = {(char)('p' + i), 0};

        chat_rig_has(say(r, 1, cid), "'ok'");
    }
}

/* Of two that are checked at once one is the first. */
static void two_at_once_are_one(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *one, *two;

    begin(r);
    one = chat_rig_start(r, 2, "{'action':'send','room':'hall','text':'x','cid':'a'}");
    two = chat_rig_start(r, 2, "{'action':'send','room':'hall','text':'x','cid':'b'}");
    chat_rig_has(chat_rig_wait(one), "'ok'");
    chat_rig_has(chat_rig_wait(two), "slow_mode");
    chat_rig_free(one);
    chat_rig_free(two);
}

/* The log knows it, however much others have said since. */
static void a_restart_forgets_nobody(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    chat_rig_has(say(r, 2, "a"), "'ok'");
    for (unsigned i = 0; i < 700; i++)
        chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'hall','text':'x','cid':'c%u'}", i),
                     "'ok'");
    chat_rig_restart(r);
    refused(r, 2, "b", 1, 60000);
    chat_rig_has(say(r, 3, "a"), "'ok'");
    refused(r, 3, "b", 1, 60000);
    chat_rig_rest(r, 60000);
    chat_rig_restart(r);
    chat_rig_has(say(r, 2, "b"), "'ok'");
}

static void appended(struct store_req *req)
{
    req->done = NULL;
}

/* What another node let in, of which this one has not heard. */
static void another_node_counts(void **state)
{
    struct chat_rig *r = *state;
    struct room *room;
    struct entry e = {.kind = ENTRY_MESSAGE, .from_id = 2, .text = STR("x"), .count = 1};
    struct buf b CLEANUP(buf_fini);
    struct str body;
    struct store_append a = {.req = {.home = r->io, .done = appended},
                             .room = STR("hall"),
                             .entries = &body,
                             .entries_n = 1};

    begin(r);
    chat_rig_has(say(r, 3, "a"), "'ok'"); /* it is known here who sent */
    room = chat_rig_room(r, "hall");
    e.ts_ms = room->ts_ms;
    e.count = room->count + 1;
    buf_init(&b, 1000);
    entry_encode(&e, &b);
    body = buf_peek(&b);
    a.head = room->head;
    store_append(r->mem, &a);
    while (a.req.done != NULL)
        assert_true(chat_rig_turn(r));
    assert_int_equal(a.req.result, STORE_OK);
    refused(r, 2, "b", 1, 60000);
}

/* A slower mode reaches further back than what was looked at. */
static void slower_is_counted_from_before(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    chat_rig_has(say(r, 2, "a"), "'ok'");
    chat_rig_rest(r, 90000);
    chat_rig_has(say(r, 3, "a"), "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'hall','slow':600}"), "'ok'");
    refused(r, 2, "b", 500000, 510000);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'hall','slow':0}"), "'ok'");
    chat_rig_has(say(r, 2, "b"), "'ok'");
    chat_rig_has(say(r, 2, "c"), "'ok'");
}

static void a_store_that_fails_lets_nobody_in(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    chat_rig_has(say(r, 2, "a"), "'ok'");
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'history','room':'hall'}"), "'ok'");
    r->gate->closed[STORE_READ] = true;
    c = chat_rig_start(r, 2, "{'action':'send','room':'hall','text':'x','cid':'b'}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    r->gate->closed[STORE_READ] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_has(chat_rig_wait(c), "store_failed");
    chat_rig_free(c);
    refused(r, 2, "b", 1, 60000);
}

/* Settings are told with the title, in each entry all of them. */
static void what_is_not_given_stays(void **state)
{
    struct chat_rig *r = *state;
    const char *answer;

    begin(r);
    chat_rig_has(chat_rig_do(r, 1,
                             "{'action':'room_set','room':'hall','topic':'of owls',"
                             "'description':'one\\ntwo','icon':'🦉'}"),
                 "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'hall','title':'Owls'}"), "'ok'");
    chat_rig_restart(r);
    answer = chat_rig_do(r, 2, "{'action':'join','room':'hall'}");
    chat_rig_has(answer, "'title':'Owls','settings':{'topic':'of owls','description':'one\\ntwo',"
                         "'icon':'🦉','slow':60}");
    answer = chat_rig_do(r, 2, "{'action':'history','room':'hall','view':'log'}");
    chat_rig_has(answer, "'title':'Hall','kind':'public'}");
    chat_rig_has(answer, "'title':'Hall','settings':{'slow':60}");
    chat_rig_has(answer, "'title':'Owls','settings':{'topic':'of owls'");
    /* And are taken back one by one. */
    chat_rig_has(chat_rig_do(r, 1,
                             "{'action':'room_set','room':'hall','icon':'','topic':'',"
                             "'description':'','slow':0}"),
                 "'ok'");
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'join','room':'hall'}"), "settings");
}

static void bad_settings_are_refused(void **state)
{
    static const struct {
        const char *params, *error, *name;
    } bad[] = {
        {"", "missing_parameter", "'parameter':'title'"},
        {",'slow':21601", "bad_value", "'parameter':'slow'"},
    };
    struct chat_rig *r = *state;
    uint64_t head;

    begin(r);
    head = chat_rig_room(r, "hall")->head;
    for (unsigned i = 0; i < COUNTOF(bad); i++) {
        const char *answer =
            chat_rig_do(r, 1, "{'action':'room_set','room':'hall'%s}", bad[i].params);

        chat_rig_has(answer, bad[i].error);
        chat_rig_has(answer, bad[i].name);
    }
    assert_int_equal(chat_rig_room(r, "hall")->head, head);
}

/* The record of a node that knows no settings is read, and the log behind it. */
static void an_older_nodes_record_is_read(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'cave','kind':'private'}"),
                 "'ok'");
    chat_rig_rest(r, 1000);
    chat_rig_has(chat_rig_record(r, "r:cave", "state"), "'at':1");
    chat_rig_put(r, "r:cave", "state", NULL);
    chat_rig_put(
        r, "r:cave", "access",
        "{\"at\":1,\"kind\":\"private\",\"title\":\"\",\"members\":[[1,\"owner\",0,\"u1\"],"
        "[77,\"member\",0,\"u77\"]]}");
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 77, "{'action':'join','room':'cave'}"), "'role':'member'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'cave','announcement':true}"),
                 "'ok'");
    chat_rig_rest(r, 1000);
    /* From now on the older node's may say what it likes. */
    chat_rig_put(r, "r:cave", "access",
                 "{\"at\":2,\"kind\":\"private\",\"title\":\"\",\"members\":[]}");
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 77, "{'action':'send','room':'cave','text':'x'}"), "announcement");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(each_waits_for_their_turn), TEST(two_at_once_are_one),
           TEST(a_restart_forgets_nobody), TEST(another_node_counts),
           TEST(slower_is_counted_from_before), TEST(a_store_that_fails_lets_nobody_in),
           TEST(what_is_not_given_stays), TEST(bad_settings_are_refused),
           TEST(an_older_nodes_record_is_read))
