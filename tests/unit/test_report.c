/* Reports of messages (chat/command/cmd_report.h). */
#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

static unsigned count(const char *at, const char *text)
{
    unsigned n = 0;

    for (; (at = strstr(at, text)) != NULL; n++)
        at += strlen(text);
    return n;
}

static void begin(struct chat_rig *r)
{
    for (unsigned user = 1; user <= 4; user++) {
        char pk[8], body[8];

        (void)snprintf(pk, sizeof(pk), "u:%u", user);
        (void)snprintf(body, sizeof(body), "uu%u", user);
        chat_rig_put(r, pk, "user", body);
    }
    chat_rig_has(chat_rig_do(r, 1, "{'action':'room_create','room':'den'}"), "'ok'");
    for (unsigned i = 0; i < 30; i++)
        chat_rig_has(chat_rig_do(r, 2, "{'action':'send','room':'den','text':'rude'}"), "'ok'");
}

static void the_same_report_counts_once(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    begin(r);
    for (unsigned i = 0; i < 3; i++)
        chat_rig_has(
            chat_rig_do(r, 3, "{'action':'report','room':'den','target':2,'reason':'rude'}"),
            "'ok'");
    chat_rig_has(chat_rig_do(r, 4, "{'action':'report','room':'den','target':2,'reason':'spam'}"),
                 "'ok'");
    assert_int_equal(count(chat_rig_do(r, 1, "{'action':'reports','room':'den'}"), "'target':2"),
                     2);
    assert_int_equal(
        count(chat_rig_do(r, 1, "{'action':'history','room':'audit:den','view':'log'}"),
              "'act':'report'"),
        2);
    /* Who reported is for moderators alone. */
    chat_rig_has(chat_rig_do(r, 2, "{'action':'reports','room':'den'}"), "forbidden");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'reports'}"), "forbidden");
    chat_rig_has_not(chat_rig_do(r, 2, "{'action':'history','room':'den','view':'log'}"), "spam");
    c = chat_rig_start_super(r, 9, "{'action':'reports'}");
    chat_rig_has(chat_rig_wait(c), "'room':'den','target':2,'by':{'id':3,'name':'u3'},'user':"
                                   "{'id':2,'name':'u2'},'reason':'rude'");
    chat_rig_free(c);
}

static void a_report_is_resolved_once(void **state)
{
    struct chat_rig *r = *state;

    begin(r);
    for (unsigned user = 3; user <= 4; user++)
        for (unsigned target = 2; target <= 3; target++)
            chat_rig_has(chat_rig_do(r, user,
                                     "{'action':'report','room':'den','target':%u,'reason':'x'}",
                                     target),
                         "'ok'");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'report_resolve','room':'den','target':2}"),
                 "forbidden");
    chat_rig_has(chat_rig_do(r, 1,
                             "{'action':'report_resolve','room':'den','target':2,"
                             "'reason':'talked to them'}"),
                 "'ok'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'report_resolve','room':'den','target':2}"),
                 "no_such_report");
    assert_int_equal(count(chat_rig_do(r, 1, "{'action':'reports','room':'den'}"), "'target':3"),
                     2);
    chat_rig_has_not(chat_rig_do(r, 1, "{'action':'reports','room':'den'}"), "'target':2");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'history','room':'audit:den','view':'log'}"),
                 "'act':'resolve','to':'den','target':2,'reason':'talked to them'");
}

/* The log of moderators cannot be written: there is no report that it does not tell of. */
static void no_report_is_without_its_note(void **state)
{
    static const char report[] = "{'action':'report','room':'den','target':2,'reason':'rude'}";
    struct chat_rig *r = *state;

    begin(r);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'join','room':'audit:den'}"), "'ok'");
    r->gate->closed[STORE_APPEND] = true;
    struct chat_rig_call *c = chat_rig_start(r, 3, "%s", report);
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    r->gate->closed[STORE_APPEND] = false;
    store_gate_fail(r->gate, 0, STORE_FAILED);
    chat_rig_has(chat_rig_wait(c), "store_failed");
    chat_rig_free(c);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'reports','room':'den'}"), "'reports':[]");
    for (unsigned i = 0; i < 2; i++) {
        chat_rig_has(chat_rig_do(r, 3, "%s", report), "'ok'");
        chat_rig_has(chat_rig_do(r, 1, "{'action':'reports','room':'den'}"), "'target':2");
        assert_int_equal(
            count(chat_rig_do(r, 1, "{'action':'history','room':'audit:den','view':'log'}"),
                  "'act':'report'"),
            1);
    }
}

static void pages_and_limits(void **state)
{
    struct chat_rig *r = *state;
    char next[64] = "";
    unsigned n = 0, pages = 0;

    begin(r);
    chat_rig_has(chat_rig_do(r, 3, "{'action':'report','room':'den','target':1,'reason':'x'}"),
                 "no_such_message");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'report','room':'den','target':999,'reason':'x'}"),
                 "no_such_message");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'report','room':'@3','target':1,'reason':'x'}"),
                 "'error'");
    for (unsigned i = 0; i < 21; i++)
        chat_rig_has(
            chat_rig_do(r, 3, "{'action':'report','room':'den','target':%u,'reason':'x'}", i + 2),
            i < 20 ? "'ok'" : "too_many_reports");
    do {
        const char *page =
            chat_rig_do(r, 1, "{'action':'reports','room':'den','limit':7%s%s%s}",
                        next[0] != '\0' ? ",'next':'" : "", next, next[0] != '\0' ? "'" : "");
        const char *at = strstr(page, "'next':'");

        n += count(page, "'target'");
        pages++;
        next[0] = '\0';
        if (at != NULL)
            (void)snprintf(next, sizeof(next), "%.*s", (int)strcspn(at + 8, "'"), at + 8);
    } while (next[0] != '\0');
    assert_int_equal(n, 20);
    assert_int_equal(pages, 3);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'reports','room':'den','next':'other:1:1'}"),
                 "bad_value");
}

CHECK_MAIN(cmocka_unit_test_setup_teardown(the_same_report_counts_once, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(a_report_is_resolved_once, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(no_report_is_without_its_note, chat_rig_setup,
                                           chat_rig_teardown),
           cmocka_unit_test_setup_teardown(pages_and_limits, chat_rig_setup, chat_rig_teardown))
