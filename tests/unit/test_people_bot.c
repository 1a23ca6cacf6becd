/* Bots and whose they are: chat/people/people_bot.h. */
#include "chat/people/people_bot.h"

#include "base/str.h"
#include "chat/model/scope.h"
#include "lib/chat_rig.h"

#include <stdio.h>
#include <string.h>

#define MAKE "{'action':'bot_create','name':'deployer'}"

/* What a crash leaves is made whole by the same command, and by nobody else's. */
static void a_bot_that_was_half_made_is_made(void **state)
{
    struct chat_rig *r = *state;
    char pk[32], sk[32];
    uint64_t bot;

    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'id':1");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ben'}"), "'id':2");
    bot = chat_rig_number(strstr(chat_rig_do(r, 1, MAKE), "'user':"), "id");
    (void)snprintf(pk, sizeof(pk), "u:%llu", (unsigned long long)bot);
    (void)snprintf(sk, sizeof(sk), "bot:%llu", (unsigned long long)bot);
    assert_string_equal(chat_rig_record(r, pk, "user"), "bdeployer");
    assert_memory_equal(chat_rig_record(r, pk, "bot"), "1 ", 2);
    assert_string_equal(chat_rig_record(r, "u:1", sk), "deployer");
    chat_rig_put(r, "u:1", sk, NULL); /* the last step was not taken */
    chat_rig_has(chat_rig_do(r, 1, "{'action':'bots'}"), "'bots':[]");
    chat_rig_has(chat_rig_do(r, 2, MAKE), "'name_taken'");
    chat_rig_has(chat_rig_do(r, 1, MAKE), "'owner':1");
    assert_string_equal(chat_rig_record(r, "u:1", sk), "deployer");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'bots'}"), "'bots':[]");
}

static struct chat_rig_call *send_by_key(struct chat_rig *r, uint64_t user, const char *text)
{
    char command[200];

    (void)snprintf(command, sizeof(command), "{'action':'send','room':'den','text':'%s','as':'Y'}",
                   text);
    return chat_rig_start_as(r, (struct caller){.user = user, .session = 7, .scopes = SCOPE_WRITE},
                             command);
}

/* Sends by a key wait while the store is asked, in their order; then nobody is asked again. */
static void sends_wait_in_order_until_it_is_known(void **state)
{
    static const char *const texts[] = {"one", "two", "three"};
    struct chat_rig *r = *state;
    struct chat_rig_call *c[3];

    chat_rig_put(r, "u:1", "user", "bu1");
    chat_rig_put(r, "u:2", "user", "uu2");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'room_create','room':'den'}"), "'ok'");
    for (unsigned i = 0; i < COUNTOF(c); i++)
        c[i] = send_by_key(r, 1, texts[i]);
    for (unsigned i = 0; i < COUNTOF(c); i++) {
        chat_rig_has(chat_rig_wait(c[i]), "'ok'");
        assert_int_equal(chat_rig_number(chat_rig_wait(c[i]), "seq"), i + 2);
        chat_rig_free(c[i]);
    }
    assert_true(str_eq(r->news[r->news_n - 1].entry.bot, STR("Y\n")));
    chat_rig_put(r, "u:1", "user", NULL); /* as it is known */
    c[0] = send_by_key(r, 1, "four");
    chat_rig_has(chat_rig_wait(c[0]), "'ok'");
    chat_rig_free(c[0]);
    c[0] = send_by_key(r, 2, "a person");
    chat_rig_has(chat_rig_wait(c[0]), "'bots_only'");
    chat_rig_free(c[0]);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'send','room':'den','text':'x','as':'Y'}"),
                 "'bots_only'"); /* by no key */
}

/* A store that fails is asked again by the next. */
static void a_store_that_fails_is_asked_again(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c[2];

    chat_rig_put(r, "u:1", "user", "bu1");
    chat_rig_has(chat_rig_do(r, 3, "{'action':'room_create','room':'den'}"), "'ok'");
    r->gate->closed[STORE_GET] = true;
    for (unsigned i = 0; i < COUNTOF(c); i++)
        c[i] = send_by_key(r, 1, "lost");
    assert_int_equal(r->gate->held_n, 1);
    store_gate_fail(r->gate, 0, STORE_FAILED);
    r->gate->closed[STORE_GET] = false;
    for (unsigned i = 0; i < COUNTOF(c); i++) {
        chat_rig_has(chat_rig_wait(c[i]), "'store_failed'");
        chat_rig_free(c[i]);
    }
    c[0] = send_by_key(r, 1, "again");
    chat_rig_has(chat_rig_wait(c[0]), "'ok'");
    chat_rig_free(c[0]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(TEST(a_bot_that_was_half_made_is_made), TEST(sends_wait_in_order_until_it_is_known),
           TEST(a_store_that_fails_is_asked_again))
