/* People by another system: chat/people/people_upsert.h. */
#include "chat/people/people_upsert.h"

#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

#define ALL "{'action':'users_upsert','people':'ana,Ana S.\\nben\\ncat','active':true}"

static struct chat_rig_call *begin_upsert(struct chat_rig *r, const char *text)
{
    return chat_rig_start_super(r, 90, text);
}

static const char *upsert(struct chat_rig *r, const char *text)
{
    static char answer[CHAT_RIG_TEXT];
    struct chat_rig_call *c = begin_upsert(r, text);

    (void)snprintf(answer, sizeof(answer), "%s", chat_rig_wait(c));
    chat_rig_free(c);
    return answer;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    while ((text = strstr(text, what)) != NULL) {
        text++;
        n++;
    }
    return n;
}

/* Whatever call of the store fails, the same command again ends as one that never failed. */
static void what_failed_is_asked_again(void **state)
{
    struct chat_rig *r = *state;
    const char *answer;
    unsigned failed = 0;
    bool done = false;

    for (unsigned at = 0; at < 60 && !done; at++) {
        struct chat_rig_call *c;
        unsigned passed = 0;

        r->gate->closed[STORE_PUT] = true;
        c = begin_upsert(r, ALL);
        while (!c->ended && passed <= at) {
            if (r->gate->held_n == 0)
                assert_true(chat_rig_turn(r));
            else if (passed++ < at)
                store_gate_let(r->gate, 0);
            else
                store_gate_fail(r->gate, 0, STORE_FAILED);
        }
        r->gate->closed[STORE_PUT] = false;
        done = strstr(chat_rig_wait(c), "'store_failed'") == NULL;
        failed += !done;
        chat_rig_free(c);
    }
    assert_true(failed > 3);
    answer = upsert(r, ALL);
    assert_int_equal(count(answer, "'made':false,'active':true"), 3);
    chat_rig_has(answer, "'name':'ana'");
}

/* Two at once make each person once. */
static void two_at_once_make_each_once(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *a = begin_upsert(r, ALL), *b = begin_upsert(r, ALL);
    unsigned made = count(chat_rig_wait(a), "'made':true") + count(chat_rig_wait(b), "'made':true");

    assert_int_equal(made, 3);
    assert_int_equal(count(a->answer, "'error'") + count(b->answer, "'error'"), 0);
    chat_rig_free(a);
    chat_rig_free(b);
}

static void what_a_crash_left_is_made_whole(void **state)
{
    struct chat_rig *r = *state;
    const char *answer;

    chat_rig_put(r, "names", "ben", "7777 ben"); /* claimed, and no record */
    answer = upsert(r, ALL);
    chat_rig_has(answer, "'name':'ben','id':7777,'made':true,'active':true");
    assert_string_equal(chat_rig_record(r, "u:7777", "user"), "uben");
    chat_rig_has(chat_rig_do(r, 5, ALL), "'forbidden'");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(what_failed_is_asked_again), TEST(two_at_once_make_each_once),
           TEST(what_a_crash_left_is_made_whole))
