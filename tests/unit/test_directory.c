/* The directory of public rooms (chat/people/directory.h, chat/room/listing.h). */
#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make(struct chat_rig *r, const char *id, const char *more)
{
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'%s'%s}", id, more), "'ok'");
}

static void set(struct chat_rig *r, const char *id, const char *more)
{
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'%s'%s}", id, more), "'ok'");
}

/* The ids that are found, with a space behind each. */
static const char *find(struct chat_rig *r, const char *params)
{
    static char ids[32768];
    const char *at = chat_rig_do(r, 7, "{'action':'directory'%s}", params);
    size_t n = 0;

    chat_rig_has(at, "'rooms'");
    ids[0] = '\0';
    while ((at = strstr(at, "{'id':'")) != NULL) {
        size_t id_n = strcspn(at + 7, "'");

        n += (size_t)snprintf(ids + n, sizeof(ids) - n, "%.*s ", (int)id_n, at + 7);
        at += 7;
    }
    return ids;
}

static void public_rooms_are_found(void **state)
{
    struct chat_rig *r = *state;

    assert_string_equal(find(r, ""), "");
    make(r, "r3", ",'title':'Owls'");
    make(r, "r1", ",'title':'Пёс и КОТ'");
    make(r, "r2", ",'title':'Straße'");
    make(r, "r4", ",'title':'東京の天気'");
    make(r, "plain", "");
    make(r, "own", ",'title':'Owls too','kind':'private'");
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ""), "r3 plain r2 r1 r4 "); /* by titles */
    assert_string_equal(find(r, ",'query':'OWL'"), "r3 ");
    assert_string_equal(find(r, ",'query':'кот'"), "r1 ");
    assert_string_equal(find(r, ",'query':'STRASSE'"), "r2 ");
    assert_string_equal(find(r, ",'query':'天気'"), "r4 ");
    assert_string_equal(find(r, ",'query':'Plain'"), "plain ");
    assert_string_equal(find(r, ",'query':'R2'"), "r2 ");
    assert_string_equal(find(r, ",'query':'own'"), "");
    assert_string_equal(find(r, ",'query':'  '"), "r3 plain r2 r1 r4 ");
}

/* Somebody who has looked before sees what changed since. */
static void changes_are_seen(void **state)
{
    struct chat_rig *r = *state;

    make(r, "a", ",'title':'One'");
    make(r, "b", ",'title':'Two'");
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ""), "a b ");
    set(r, "a", ",'title':'Zwei','topic':'of numbers','icon':'🦉'");
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ""), "b a ");
    chat_rig_has(
        chat_rig_do(r, 7, "{'action':'directory','query':'zwei'}"),
        "{'id':'a','title':'Zwei','topic':'of numbers','icon':'🦉','messages':0,'active':");
    set(r, "a", ",'archived':true");
    chat_rig_rest(r, 100000); /* minutes later, too */
    assert_string_equal(find(r, ""), "b ");
    set(r, "a", ",'archived':false");
    chat_rig_rest(r, 400000); /* when all is read anew */
    assert_string_equal(find(r, ""), "b a ");
}

static void pages_have_each_room_once(void **state)
{
    struct chat_rig *r = *state;
    char seen[1200] = {0}, next[100] = "", params[200];
    unsigned n = 0;

    for (unsigned i = 0; i < 1200; i++) { /* more than one list has */
        char id[20], more[40];

        (void)snprintf(id, sizeof(id), "n%u", i);
        (void)snprintf(more, sizeof(more), ",'title':'T%u'", (i * 7919) % 1200);
        make(r, id, more);
        if (i == 600) {
            chat_rig_rest(r, 1000);
            (void)find(r, "");
        }
    }
    chat_rig_rest(r, 1000);
    do {
        const char *answer, *at;

        (void)snprintf(params, sizeof(params), "{'action':'directory','limit':100%s}", next);
        answer = at = chat_rig_do(r, 7, "%s", params);
        while ((at = strstr(at, "{'id':'n")) != NULL) {
            unsigned i = (unsigned)strtoul(at + 8, NULL, 10);

            assert_true(i < 1200 && !seen[i]);
            seen[i] = 1;
            n++;
            at += 8;
        }
        at = strstr(answer, "'next':'");
        if (at != NULL)
            (void)snprintf(next, sizeof(next), ",'next':'%.*s'", (int)strcspn(at + 8, "'"), at + 8);
        else
            next[0] = '\0';
    } while (next[0] != '\0');
    assert_int_equal(n, 1200);
    chat_rig_has(chat_rig_do(r, 7, "{'action':'directory','next':'what'}"), "bad_value");
}

/* A room of before there was a directory comes into it when somebody has to do with it. */
static void older_rooms_appear(void **state)
{
    struct chat_rig *r = *state;

    make(r, "old", ",'title':'Old'");
    chat_rig_rest(r, 1000);
    chat_rig_put(r, "directory", "old", NULL);
    chat_rig_put(r, "r:old", "access",
                 "{\"at\":1,\"kind\":\"public\",\"title\":\"Old\",\"members\":[]}");
    chat_rig_put(r, "r:old", "state", NULL);
    chat_rig_restart(r);
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ",'query':'old'"), "");
    chat_rig_has(chat_rig_do(r, 7, "{'action':'history','room':'old'}"), "'ok'");
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ",'query':'old'"), "old ");
}

/* What the store did not take when the room changed is written when it is loaded again. */
static void what_was_not_written_is_made_up_for(void **state)
{
    struct chat_rig *r = *state;

    make(r, "a", ",'title':'One'");
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_GET] = true; /* the first that listing asks */
    set(r, "a", ",'title':'Two'");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    r->gate->closed[STORE_GET] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ",'query':'two'"), "");
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 7, "{'action':'history','room':'a'}"), "'ok'");
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ",'query':'two'"), "a ");
}

/* A change while the one before is being written is written, too. */
static void two_changes_at_once_are_both_told(void **state)
{
    struct chat_rig *r = *state;

    make(r, "a", ",'title':'One'");
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_GET] = true;
    set(r, "a", ",'title':'Two'");
    set(r, "a", ",'title':'Three'");
    r->gate->closed[STORE_GET] = false;
    store_gate_open(r->gate);
    chat_rig_rest(r, 1000);
    assert_string_equal(find(r, ",'query':'three'"), "a ");
}

/* Messages alone write nothing, until there are many. */
static void messages_do_not_write(void **state)
{
    struct chat_rig *r = *state;
    struct store_stats before, after;

    make(r, "a", ",'title':'One'");
    chat_rig_rest(r, 60000);
    store_stats(r->mem, &before);
    for (unsigned i = 0; i < 500; i++)
        chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'a','text':'x'}"), "'ok'");
    store_stats(r->mem, &after);
    assert_in_range(after.puts - before.puts, 0, 60); /* read positions, as time goes on */
    for (unsigned i = 0; i < 600; i++)
        chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'a','text':'x'}"), "'ok'");
    chat_rig_rest(r, 1000);
    assert_in_range(chat_rig_number(chat_rig_do(r, 7, "{'action':'directory'}"), "messages"), 512,
                    1100);
}

static void a_failing_store_is_said_to_all(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[3];

    make(r, "a", ",'title':'One'");
    chat_rig_rest(r, 1000);
    r->gate->closed[STORE_LIST] = true;
    for (unsigned i = 0; i < 3; i++)
        calls[i] = chat_rig_start(r, 7, "{'action':'directory'}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    assert_int_equal(r->gate->held_n, 1); /* one reads, the others wait for it */
    r->gate->closed[STORE_LIST] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    for (unsigned i = 0; i < 3; i++) {
        chat_rig_has(chat_rig_wait(calls[i]), "store_failed");
        chat_rig_free(calls[i]);
    }
    assert_string_equal(find(r, ""), "a ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(public_rooms_are_found), TEST(changes_are_seen), TEST(pages_have_each_room_once),
           TEST(older_rooms_appear), TEST(what_was_not_written_is_made_up_for),
           TEST(two_changes_at_once_are_both_told), TEST(messages_do_not_write),
           TEST(a_failing_store_is_said_to_all))
