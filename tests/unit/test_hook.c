/* A service that is asked about messages (chat/model/hook.h), and the line in which a room's
 * messages wait for it (chat/room/hooked.h). */
#include "chat/model/hook.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/scope.h"
#include "chat/room/hooked.h"
#include "chat/room/owner.h"
#include "lib/chat_rig.h"

static void what_is_asked_is_json(void **state)
{
    struct hook_message m = {.edit = true,
                             .room = STR("den"),
                             .name = STR("ana"),
                             .text = STR("a \"b\""),
                             .cid = STR("c"),
                             .user = 7,
                             .target = 3,
                             .ts_ms = 1700000000123};
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 4096);
    hook_write(&m, &b);
    assert_true(str_eq(
        buf_peek(&b),
        STR("{\"type\":\"message.edit\",\"timestamp\":\"2023-11-14T22:13:20Z\",\"data\":{\"kind\":"
            "\"edit\",\"room\":\"den\",\"user\":{\"id\":7,\"name\":\"ana\"},\"text\":\"a \\\"b\\\""
            "\",\"cid\":\"c\",\"target\":3}}")));
}

static enum hook_verdict verdict(const char *answer, struct str *ret_text)
{
    static char bytes[65536];

    memcpy(bytes, answer, strlen(answer) + 1);
    return hook_read((uint8_t *)bytes, strlen(answer), 10, ret_text);
}

static void an_answer_is_a_verdict_or_nonsense(void **state)
{
    static const char *const nonsense[] = {
        "",
        "allow",
        "{}",
        "[]",
        "null",
        "{\"verdict\":true}",
        "{\"verdict\":\"maybe\"}",
        "{\"verdict\":\"change\"}",
        "{\"verdict\":\"change\",\"text\":\"\"}",
        "{\"verdict\":\"change\",\"text\":\"  \"}",
        "{\"verdict\":\"change\",\"text\":\"12345678901\"}",
        "{\"verdict\":\"change\",\"text\":\"a\\u0000\"}",
        "{\"verdict\":\"change\",\"text\":\"\\ud800\"}",
        "{\"verdict\":\"change\",\"text\":\"\xff\"}",
        "{\"verdict\":\"refuse\",\"reason\":\"\\u0007\"}",
        "{\"verdict\":\"allow\"} x",
        "{\"verdict\":\"allow\"",
        "{\"verdict\":\"allow\",\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]}",
    };
    struct str text;

    (void)state;
    for (unsigned i = 0; i < COUNTOF(nonsense); i++)
        if (verdict(nonsense[i], &text) != HOOK_FAILED)
            fail_msg("%s", nonsense[i]);
    assert_int_equal(verdict("{\"verdict\":\"allow\",\"more\":{\"a\":[1]}}", &text), HOOK_ALLOWED);
    assert_int_equal(verdict("{\"text\":\"hello\",\"verdict\":\"change\"}", &text), HOOK_CHANGED);
    assert_true(str_eq(text, STR("hello")));
    assert_int_equal(verdict("{\"verdict\":\"refuse\"}", &text), HOOK_REFUSED);
    assert_int_equal(text.n, 0);
    assert_int_equal(verdict("{\"verdict\":\"refuse\",\"reason\":\"no dogs here\"}", &text),
                     HOOK_REFUSED);
    assert_true(str_eq(text, STR("no dogs here")));
}

/* A service that answers when the test says so. */
#define ASKED_MAX 64

struct told {
    struct hook hook;
    struct hook_ask *asks[ASKED_MAX];
    char rooms[ASKED_MAX][16], texts[ASKED_MAX][32];
    unsigned n, missed, max;
};

static bool told_ask(struct hook *h, struct hook_ask *ask)
{
    struct told *t = CONTAINER_OF(h, struct told, hook);

    if (t->n >= t->max)
        return false;
    t->asks[t->n] = ask;
    (void)snprintf(t->rooms[t->n], sizeof(t->rooms[0]), "%.*s", (int)ask->message->room.n,
                   (const char *)ask->message->room.p);
    (void)snprintf(t->texts[t->n++], sizeof(t->texts[0]), "%.*s", (int)ask->message->text.n,
                   (const char *)ask->message->text.p);
    return true;
}

static void told_missed(struct hook *h)
{
    CONTAINER_OF(h, struct told, hook)->missed++;
}

static void say(struct told *t, unsigned i, enum hook_verdict v, const char *text)
{
    struct hook_ask *ask = t->asks[i];

    assert_true(i < t->n && ask != NULL);
    t->asks[i] = NULL;
    ask->ret_verdict = v;
    ask->ret_text = str_of(text);
    ask->done(ask);
}

static void begin(struct chat_rig *r, struct told *t, bool open)
{
    *t = (struct told){.hook = {told_ask, told_missed, open, 3000}, .max = ASKED_MAX};
    for (unsigned i = 0; i < 2; i++) {
        chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'%s'}", i ? "moor" : "den"),
                     "'ok'");
        chat_rig_has(chat_rig_do(r, 2, "{'action':'join','room':'%s'}", i ? "moor" : "den"),
                     "'ok'");
    }
    r->owner.hook = &t->hook;
}

static void ends(struct chat_rig_call *c, const char *has)
{
    chat_rig_has(chat_rig_wait(c), has);
    chat_rig_free(c);
}

static void a_room_keeps_its_order_and_holds_up_no_other(void **state)
{
    struct chat_rig *r = *state;
    struct told t;
    struct chat_rig_call *first, *second, *other, *third;

    begin(r, &t, false);
    first = chat_rig_start(r, 1, "{'action':'send','room':'den','text':'one'}");
    second = chat_rig_start(r, 2, "{'action':'send','room':'den','text':'two'}");
    third = chat_rig_start(r, 1, "{'action':'send','room':'den','text':'three'}");
    other = chat_rig_start(r, 2, "{'action':'send','room':'moor','text':'far'}");
    chat_rig_rest(r, 10);
    assert_int_equal(t.n, 3); /* the third is behind the first of its connection */
    say(&t, 2, HOOK_ALLOWED, "");
    ends(other, "'ok'");
    say(&t, 1, HOOK_CHANGED, "deux");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'history','room':'den'}"), "'entries':[]");
    assert_false(second->ended);
    /* What is no message does not wait. */
    chat_rig_has(chat_rig_do(r, 3, "{'action':'join','room':'den'}"), "'ok'");
    say(&t, 0, HOOK_ALLOWED, "");
    ends(first, "'ok'");
    ends(second, "'changed':true");
    chat_rig_rest(r, 10);
    say(&t, 3, HOOK_REFUSED, "not three");
    chat_rig_has(chat_rig_wait(third), "'refused'");
    ends(third, "otherwise. not three");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'den'}"), "'text':'deux'");
    assert_string_equal(t.texts[1], "two");
    assert_string_equal(t.rooms[2], "moor");
}

static void an_edit_is_asked_about_and_may_be_changed(void **state)
{
    struct chat_rig *r = *state;
    struct told t;
    struct chat_rig_call *c;
    unsigned long long seq;

    begin(r, &t, false);
    r->owner.hook = NULL;
    seq = chat_rig_number(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'one'}"), "seq");
    r->owner.hook = &t.hook;
    c = chat_rig_start(r, 2, "{'action':'edit','room':'den','target':%llu,'text':'two'}", seq);
    chat_rig_rest(r, 10);
    assert_int_equal(t.n, 1);
    say(&t, 0, HOOK_CHANGED, "deux");
    ends(c, "'changed':true");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'history','room':'den'}"), "'text':'deux'");
    chat_rig_has(
        chat_rig_do(r, 2, "{'action':'react','room':'den','target':%llu,'emoji':'👍'}", seq),
        "'ok'");
    assert_int_equal(t.n, 1);
}

/* The repeat is asked about again, and is the same message, whatever it was changed to. */
static void a_repeat_of_what_was_changed_is_a_duplicate(void **state)
{
    struct chat_rig *r = *state;
    struct told t;

    begin(r, &t, false);
    for (unsigned i = 0; i < 2; i++) {
        struct chat_rig_call *c =
            chat_rig_start(r, 2, "{'action':'send','room':'den','text':'one','cid':'c','seen':1}");

        chat_rig_rest(r, 10);
        say(&t, i, HOOK_CHANGED, i == 0 ? "un" : "uno");
        ends(c, i == 0 ? "'changed':true" : "'duplicate':true");
    }
}

/* The first attempt was stored as it was; the log is looked through for it, as nothing of it is in
 * memory any more. What counts is what was sent, not what the service makes of the repeat. */
static void a_repeat_that_is_changed_is_what_was_sent(void **state)
{
    static const struct {
        const char *sent, *made, *has;
    } cases[] = {
        {"one", "uno", "'duplicate':true"},
        {"two", "one", "'cid_conflict'"},
    };
    struct chat_rig *r = *state;
    static struct told t;

    begin(r, &t, false);
    r->owner.hook = NULL;
    chat_rig_has(
        chat_rig_do(r, 2, "{'action':'send','room':'den','text':'one','cid':'c','seen':1}"),
        "'ok'");
    for (unsigned i = 0; i < 100; i++) /* more than are loaded */
        chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'den','text':'on'}"), "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','title':'t'}"), "'ok'");
    chat_rig_rest(r, 1000); /* the record of the room is written */
    chat_rig_restart(r);
    r->owner.hook = &t.hook;
    for (unsigned i = 0; i < COUNTOF(cases); i++) {
        struct chat_rig_call *c = chat_rig_start(
            r, 2, "{'action':'send','room':'den','text':'%s','cid':'c','seen':1}", cases[i].sent);

        while (t.n == i)
            assert_true(chat_rig_turn(r));
        say(&t, i, HOOK_CHANGED, cases[i].made);
        ends(c, cases[i].has);
    }
}

static void what_fails_is_let_through_or_refused_as_set(void **state)
{
    struct chat_rig *r = *state;
    struct told t;
    struct chat_rig_call *c;

    begin(r, &t, false);
    c = chat_rig_start(r, 2, "{'action':'send','room':'den','text':'one'}");
    chat_rig_rest(r, 10);
    say(&t, 0, HOOK_FAILED, "");
    chat_rig_has(chat_rig_wait(c), "'check_failed'");
    ends(c, "'retry_after_ms':1000");
    t.hook.open = true;
    c = chat_rig_start(r, 2, "{'action':'send','room':'den','text':'one'}");
    chat_rig_rest(r, 10);
    say(&t, 1, HOOK_FAILED, "");
    ends(c, "'ok'");
    t.max = 0; /* it takes none */
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'one'}"), "'ok'");
    t.hook.open = false;
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'one'}"),
                 "'check_failed'");
    assert_int_equal(t.missed, 2);
}

static struct chat_rig_call *bot_says(struct chat_rig *r, const char *more)
{
    char command[200];

    (void)snprintf(command, sizeof(command),
                   "{'action':'send','room':'den','text':'one','cid':'c%u'%s}", r->ended_n, more);
    return chat_rig_start_as(r, (struct caller){.user = 5, .session = 7, .scopes = SCOPE_WRITE},
                             command);
}

/* What a bot's message carries is as it was when the service has answered. */
static void a_bots_message_is_asked_about(void **state)
{
    static const char *const as[] = {"", ",'as':'Y'"};
    struct chat_rig *r = *state;
    struct told t;
    struct chat_rig_call *c;

    chat_rig_put(r, "u:5", "user", "bu5");
    begin(r, &t, true);
    chat_rig_has(chat_rig_do(r, 5, "{'action':'join','room':'den'}"), "'ok'");
    for (unsigned i = 0; i < COUNTOF(as); i++) {
        for (enum hook_verdict v = HOOK_ALLOWED; v <= HOOK_FAILED; v++) {
            c = bot_says(r, as[i]);
            chat_rig_rest(r, 10);
            say(&t, t.n - 1, v, "deux");
            ends(c, v == HOOK_REFUSED ? "'refused'" : "'ok'");
        }
        t.max = 0; /* it takes none */
        ends(bot_says(r, as[i]), "'ok'");
        t.max = ASKED_MAX;
        assert_true(str_eq(r->news[r->news_n - 1].entry.bot, i == 0 ? STR("\n") : STR("Y\n")));
    }
    ends(bot_says(r, ",'as':' '"), "'bad_name'");
}

/* Those behind a service that hangs fail after its time as well, and in their order. */
static void a_line_is_bounded_in_length_and_in_time(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[HOOKED_ASKED_MAX + 3];
    struct told t;

    begin(r, &t, false);
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        calls[i] = chat_rig_start(r, 10 + i, "{'action':'send','room':'den','text':'m%u'}", i);
    chat_rig_rest(r, 5000);
    assert_int_equal(t.n, HOOKED_ASKED_MAX);
    say(&t, 1, HOOK_FAILED, "");
    assert_int_equal(t.missed, 3);
    for (unsigned i = 0; i < HOOKED_ASKED_MAX; i++)
        if (i != 1)
            say(&t, i, HOOK_ALLOWED, "");
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        ends(calls[i], i == 1 || i >= HOOKED_ASKED_MAX ? "'check_failed'" : "'ok'");
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'history','room':'den'}"), "m1");
}

/* A node that ends asks about nothing more, and lets nothing through unasked: the next one asks. */
static void a_node_that_ends_waits_for_what_it_has_asked(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[HOOKED_ASKED_MAX + 2];
    struct told t;

    begin(r, &t, true);
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        calls[i] = chat_rig_start(r, 10 + i, "{'action':'send','room':'den','text':'m%u'}", i);
    chat_rig_rest(r, 10);
    owner_settle(&r->owner);
    for (unsigned i = 0; i < HOOKED_ASKED_MAX; i++)
        say(&t, i, HOOK_ALLOWED, "");
    assert_int_equal(t.n, HOOKED_ASKED_MAX);
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        ends(calls[i], i < HOOKED_ASKED_MAX ? "'ok'" : "'check_failed'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'late'}"),
                 "'retry_after_ms':1000");
    assert_int_equal(t.missed, 0);
}

static void who_may_not_write_is_not_asked_about(void **state)
{
    struct chat_rig *r = *state;
    struct told t;

    begin(r, &t, false);
    r->owner.hook = &t.hook;
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_set','room':'den','announcement':true}"),
                 "'ok'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'a'}"), "'announcement'");
    assert_int_equal(t.n, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(cmocka_unit_test(what_is_asked_is_json),
           cmocka_unit_test(an_answer_is_a_verdict_or_nonsense),
           CASE(a_room_keeps_its_order_and_holds_up_no_other),
           CASE(an_edit_is_asked_about_and_may_be_changed),
           CASE(a_repeat_of_what_was_changed_is_a_duplicate),
           CASE(a_repeat_that_is_changed_is_what_was_sent),
           CASE(what_fails_is_let_through_or_refused_as_set), CASE(a_bots_message_is_asked_about),
           CASE(a_line_is_bounded_in_length_and_in_time),
           CASE(a_node_that_ends_waits_for_what_it_has_asked),
           CASE(who_may_not_write_is_not_asked_about))
