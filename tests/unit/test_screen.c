/* Words and links that are not wanted (chat/room/screen.h), in a room's messages. */
#include "base/str.h"
#include "chat/room/screen.h"
#include "lib/chat_rig.h"

static void ok(struct chat_rig *r, uint64_t user, const char *command)
{
    chat_rig_has(chat_rig_do(r, user, "%s", command), "'ok'");
}

static void set_server(struct chat_rig *r, const char *command)
{
    struct chat_rig_call *c = chat_rig_start_super(r, 1, command);

    chat_rig_has(chat_rig_wait(c), "'ok'");
    chat_rig_free(c);
}

/* A room of user 1, with user 2. */
static void begin(struct chat_rig *r)
{
    ok(r, 1, "{'action':'room_create','room':'den'}");
    ok(r, 2, "{'action':'join','room':'den'}");
    ok(r, 1, "{'action':'join','room':'general','create':true}");
}

static const struct entry *newest(struct chat_rig *r)
{
    assert_true(r->news_n > 0);
    return &r->news[r->news_n - 1].entry;
}

static void a_rooms_list_refuses_a_message_and_says_why(void **state)
{
    struct chat_rig *r = *state;
    const char *answer;

    begin(r);
    ok(r, 1, "{'action':'filter_set','room':'den','words':'darn\\nbuy now','links':'none'}");
    answer = chat_rig_do(r, 2, "{'action':'send','room':'den','text':'oh Darn it'}");
    chat_rig_has(answer, "'word_refused'");
    chat_rig_has(answer, "'detail':'Darn'");
    chat_rig_has(answer, "leave it out: Darn");
    answer = chat_rig_do(r, 2, "{'action':'send','room':'den','text':'https://a.example'}");
    chat_rig_has(answer, "'link_refused'");
    chat_rig_has(answer, "'detail':'a.example'");
    ok(r, 2, "{'action':'send','room':'den','text':'fine'}");
    answer = chat_rig_do(r, 2, "{'action':'edit','room':'den','target':%llu,'text':'darn'}",
                         (unsigned long long)r->news[r->news_n - 1].seq);
    chat_rig_has(answer, "'word_refused'");
    ok(r, 1, "{'action':'send','room':'den','text':'darn is on the list'}");
    ok(r, 2, "{'action':'send','room':'general','text':'darn'}");
}

static void a_list_that_masks_lets_the_rest_through(void **state)
{
    struct chat_rig *r = *state;
    const char *answer;

    begin(r);
    ok(r, 1, "{'action':'filter_set','room':'den','words':'darn','hit':'mask'}");
    answer =
        chat_rig_do(r, 2, "{'action':'send','room':'den','text':'a darn cat','cid':'c1','seen':1}");
    chat_rig_has(answer, "'changed':true");
    assert_true(str_eq(newest(r)->text, STR("a **** cat")));
    assert_true(newest(r)->changed);
    answer =
        chat_rig_do(r, 2, "{'action':'send','room':'den','text':'a darn cat','cid':'c1','seen':1}");
    chat_rig_has(answer, "'duplicate':true");
    answer = chat_rig_do(r, 2, "{'action':'edit','room':'den','target':%llu,'text':'darn!'}",
                         (unsigned long long)r->news[r->news_n - 1].seq);
    chat_rig_has(answer, "'changed':true");
    assert_true(str_eq(newest(r)->text, STR("****!")));
    answer = chat_rig_do(r, 2, "{'action':'history','room':'den','limit':1}");
    chat_rig_has(answer, "'text':'****!'");
    chat_rig_has_not(answer, "darn");
}

/* The repeat is known though nothing of the first attempt is in memory any more. */
static void a_masked_message_is_no_other_after_a_restart(void **state)
{
    struct chat_rig *r = *state;
    static const char send[] =
        "{'action':'send','room':'den','text':'a darn cat','cid':'c1','seen':1}";

    begin(r);
    ok(r, 1, "{'action':'filter_set','room':'den','words':'darn','hit':'mask'}");
    ok(r, 2, send);
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 2, "%s", send), "'duplicate':true");
    ok(r, 1, "{'action':'filter_set','room':'den','words':''}");
    ok(r, 2, "{'action':'send','room':'den','text':'darn'}");
}

static void the_servers_list_holds_in_every_room_and_spares_its_owner(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    ok(r, 2, "{'action':'send','room':'den','text':'darn'}");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'filter_set','words':'darn'}"), "'forbidden'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'filter'}"), "'forbidden'");
    set_server(r, "{'action':'filter_set','words':'darn','links':'except','hosts':'evil.example'}");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'den','text':'darn'}"),
                 "'word_refused'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'general','text':'at evil.example'}"),
                 "'link_refused'");
    set_server(r, "{'action':'send','room':'den','text':'darn'}");
    set_server(r, "{'action':'filter_set','words':'','links':'all','hosts':''}");
    assert_string_equal(chat_rig_record(r, "server", "filter"), "-");
    ok(r, 2, "{'action':'send','room':'den','text':'darn'}");
}

/* Another node has set it: this one finds out within SCREEN_STALE_MS. */
static void what_another_node_sets_holds_soon(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    ok(r, 2, "{'action':'send','room':'den','text':'darn'}");
    chat_rig_put(r, "server", "filter", "\1\3\4darn");
    chat_rig_rest(r, SCREEN_STALE_MS);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'darn'}"),
                 "'word_refused'");
    chat_rig_put(r, "server", "filter", "broken");
    chat_rig_rest(r, SCREEN_STALE_MS);
    ok(r, 2, "{'action':'send','room':'den','text':'darn'}");
}

static void a_store_that_does_not_answer_lets_nothing_through(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    chat_rig_rest(r, SCREEN_STALE_MS);
    r->gate->closed[STORE_GET] = true;
    c = chat_rig_start(r, 2, "{'action':'send','room':'den','text':'hi'}");
    chat_rig_rest(r, 10);
    assert_false(c->ended);
    store_gate_open(r->gate);
    chat_rig_has(chat_rig_wait(c), "'ok'");
    chat_rig_free(c);
}

static void lists_are_shown_to_who_may_set_them(void **state)
{
    struct chat_rig *r = *state;
    const char *answer;

    begin(r);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'filter_set','room':'den','words':'a'}"),
                 "'forbidden'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'filter','room':'den'}"), "'forbidden'");
    ok(r, 1, "{'action':'filter_set','room':'den','words':' a \\n\\nb','links':'only'}");
    ok(r, 1, "{'action':'filter_set','room':'den','hosts':'A.example','hit':'mask'}");
    ok(r, 1, "{'action':'room_set','room':'den','topic':'t'}");
    chat_rig_restart(r);
    answer = chat_rig_do(r, 1, "{'action':'filter','room':'den'}");
    chat_rig_has(answer, "'words':'a\\nb','hit':'mask','links':'only','hosts':'a.example'");
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'join','room':'den'}"), "a.example");
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'history','room':'den','view':'log'}"),
                     "a.example");
}

static void what_is_no_list_is_refused(void **state)
{
    struct chat_rig *r = *state;
    static const char *const cases[][3] = {
        {"'words':'...'", "bad_value", "words"},
        {"'hosts':'a b'", "bad_value", "hosts"},
        {"'hit':'kick'", "bad_value", "hit"},
        {"'links':'some'", "bad_value", "links"},

        {"'topic':'x'", "missing_parameter", "words"},
        {"'words':'1 2 3 4 5 6 7 8 9'", "too_long", "words"},
    };

    begin(r);
    for (unsigned i = 0; i < COUNTOF(cases); i++) {
        const char *answer =
            chat_rig_do(r, 1, "{'action':'filter_set','room':'den',%s}", cases[i][0]);

        chat_rig_has(answer, cases[i][1]);
        chat_rig_has(answer, cases[i][2]);
    }
}

/* A later version may store more in a list than this one does, as a field of its own. */
static void a_list_of_a_later_version_stays_as_it_is_if_it_is_too_long(void **state)
{
    static const char head[] = "\1\3\4darn\27\260\155"; /* field 11, of 14000 bytes */
    static char list[sizeof(head) + 14000];
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    memset(list, 'x', sizeof(list) - 1);
    memcpy(list, head, sizeof(head) - 1);
    chat_rig_put(r, "server", "filter", list);
    c = chat_rig_start_super(r, 1, "{'action':'filter_set','links':'none'}");
    chat_rig_has(chat_rig_wait(c), "'too_long'");
    chat_rig_free(c);
    chat_rig_rest(r, SCREEN_STALE_MS);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'darn'}"),
                 "'word_refused'");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(CASE(a_rooms_list_refuses_a_message_and_says_why),
           CASE(a_list_that_masks_lets_the_rest_through),
           CASE(a_masked_message_is_no_other_after_a_restart),
           CASE(the_servers_list_holds_in_every_room_and_spares_its_owner),
           CASE(what_another_node_sets_holds_soon),
           CASE(a_store_that_does_not_answer_lets_nothing_through),
           CASE(lists_are_shown_to_who_may_set_them), CASE(what_is_no_list_is_refused),
           CASE(a_list_of_a_later_version_stays_as_it_is_if_it_is_too_long))
