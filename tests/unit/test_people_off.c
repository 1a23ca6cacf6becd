/* People who were deactivated: chat/people/people_off.h. */
#include "chat/people/people_off.h"

#include "base/rng.h"
#include "base/str.h"
#include "chat/people/people_key_find.h"
#include "lib/chat_rig.h"

#include <stdio.h>

#define LOGIN "{'action':'login','name':'ana'}"
#define OFF "{\"action\":\"deactivate\",\"user\":1}"
#define ON "{\"action\":\"deactivate\",\"user\":1,\"on\":false}"

/* A command of the server's owner, to its end. */
static const char *as_owner(struct chat_rig *r, const char *text)
{
    static char answer[4096];
    struct chat_rig_call *c = chat_rig_start_super(r, 50, text);

    (void)snprintf(answer, sizeof(answer), "%s", chat_rig_wait(c));
    chat_rig_free(c);
    return answer;
}

static unsigned sessions_n(struct chat_rig *r)
{
    const char *at = chat_rig_do(r, 1, "{'action':'sessions'}");
    unsigned n = 0;

    while ((at = strstr(at, "'created'")) != NULL) {
        at++;
        n++;
    }
    return n;
}

static void nobody_logs_in_until_it_is_taken_back(void **state)
{
    struct chat_rig *r = *state;

    for (unsigned i = 0; i < 120; i++) /* more than a page of sessions */
        chat_rig_has(chat_rig_do(r, 0, LOGIN), "'id':1");
    assert_int_equal(sessions_n(r), 120);
    chat_rig_has(as_owner(r, OFF), "{'user':1,'on':true}");
    assert_int_equal(sessions_n(r), 0);
    chat_rig_has(chat_rig_do(r, 0, LOGIN), "'code':'deactivated'");
    chat_rig_has(as_owner(r, OFF), "{'user':1,'on':true}");
    assert_int_equal(sessions_n(r), 0);
    chat_rig_has(as_owner(r, ON), "{'user':1,'on':false}");
    chat_rig_has(chat_rig_do(r, 0, LOGIN), "'id':1");
    chat_rig_has(as_owner(r, ON), "{'user':1,'on':false}");
}

struct looking {
    struct call call;
    bool ended;
};

static void looked(struct call *call)
{
    CONTAINER_OF(call, struct looking, call)->ended = true;
}

/* What somebody who comes by the key is told. */
static enum error_code look_up(struct chat_rig *r, const struct people_key_claim *claim)
{
    struct looking l = {0};
    enum error_code e;

    call_init(&l.call, 1000);
    l.call.done = l.call.returned = looked;
    people_key_find(&r->people, &l.call, claim);
    while (!l.ended)
        assert_true(chat_rig_turn(r));
    e = l.call.error;
    call_fini(&l.call);
    return e;
}

static struct people_key_claim new_key(struct chat_rig *r)
{
    const char *at =
        strstr(chat_rig_do(r, 1, "{'action':'key_create','name':'a','scope':'read'}"), "plk_");
    struct people_key_claim claim;

    assert_non_null(at);
    assert_true(people_key_read((struct str){(const uint8_t *)at, strcspn(at, "'")}, &claim));
    return claim;
}

/* Also one that was made by a command under way. */
static void no_key_is_taken(void **state)
{
    struct chat_rig *r = *state;
    struct people_key_claim before, meanwhile;

    chat_rig_has(chat_rig_do(r, 0, LOGIN), "'id':1");
    before = new_key(r);
    assert_int_equal(look_up(r, &before), ERROR_NONE);
    chat_rig_has(as_owner(r, OFF), "'on':true");
    assert_int_equal(look_up(r, &before), ERROR_revoked);
    meanwhile = new_key(r);
    assert_int_equal(look_up(r, &meanwhile), ERROR_deactivated);
    chat_rig_has(as_owner(r, ON), "'on':false");
    assert_int_equal(look_up(r, &before), ERROR_revoked);
    assert_int_equal(look_up(r, &meanwhile), ERROR_NONE);
}

/* As long as the token of a script, which is longer than others'. */
static void an_end_is_noted_as_long_as_the_token_is_good(void **state)
{
    struct chat_rig *r = *state;
    uint64_t session;
    char sk[32], later[32];

    chat_rig_has(as_owner(r, "{\"action\":\"token\",\"name\":\"cron\",\"ttl\":86400000000}"),
                 "'id':1");
    chat_rig_has(as_owner(r, OFF), "'on':true");
    session = r->revoked;
    assert_true(session != 0);
    (void)snprintf(sk, sizeof(sk), "%llu", (unsigned long long)session);
    (void)snprintf(later, sizeof(later), "%llu",
                   (unsigned long long)owner_wall_ms(&r->owner) + 80000000000ULL);
    assert_true(strcmp(chat_rig_record(r, "revoked", sk), later) > 0);
}

/* In whatever order a login and a deactivation do their steps: once the latter is answered, there
 * is no session, whatever the login was answered. */
static void no_login_slips_through(void **state)
{
    struct chat_rig *r = *state;
    struct rng rng;

    rng_init(&rng, check_seed(3));
    (void)chat_rig_do(r, 0, LOGIN);
    for (unsigned i = 0; i < 300; i++) {
        struct chat_rig_call *login, *off;

        memset(r->gate->closed, true, sizeof(r->gate->closed));
        login = chat_rig_start(r, 0, LOGIN);
        off = chat_rig_start_super(r, 50, OFF);
        while (!login->ended || !off->ended) {
            while (r->gate->held_n == 0 && !(login->ended && off->ended))
                assert_true(chat_rig_turn(r));
            if (r->gate->held_n > 0)
                store_gate_let(r->gate, (unsigned)rng_below(&rng, r->gate->held_n));
        }
        store_gate_open(r->gate);
        chat_rig_has(chat_rig_wait(off), "'on':true");
        if (strstr(chat_rig_wait(login), "'token'") != NULL)
            assert_int_equal(sessions_n(r), 0);
        (void)as_owner(r, OFF); /* what a refused login has put */
        (void)as_owner(r, ON);
        chat_rig_free(login);
        chat_rig_free(off);
    }
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(nobody_logs_in_until_it_is_taken_back),
           EACH(an_end_is_noted_as_long_as_the_token_is_good), EACH(no_login_slips_through),
           EACH(no_key_is_taken))
