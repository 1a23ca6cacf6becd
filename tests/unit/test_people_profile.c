/* What people say of themselves: chat/people/people_profile.h. */
#include "chat/people/people_profile.h"

#include "base/str.h"
#include "lib/chat_rig.h"

static void a_profile_is_kept_as_it_was_said(void **state)
{
    const struct people_profile said = {.display = STR("Ana"),
                                        .zone = STR("Europe/Berlin"),
                                        .state = STR("away"),
                                        .state_until = UINT64_MAX};
    struct people_profile read;
    struct buf b CLEANUP(buf_fini);

    (void)state;
    buf_init(&b, 1000);
    people_profile_encode(&said, &b);
    for (size_t n = 0; n < buf_len(&b); n++)
        assert_false(people_profile_decode((struct str){buf_peek(&b).p, n}, &read));
    buf_append(&b, STR("what a later version keeps"));
    assert_true(people_profile_decode(buf_peek(&b), &read));
    assert_true(str_eq(read.display, STR("Ana")) && read.status.n == 0 && read.status_until == 0);
    assert_true(str_eq(read.zone, said.zone) && str_eq(read.state, said.state));
    assert_int_equal(read.state_until, UINT64_MAX);
    assert_false(people_profile_decode(STR("\n\nsoon\n\n\n0\n"), &read));
}

/* By the store's clock, when it is read. */
static void what_has_an_end_is_over_then(void **state)
{
    struct chat_rig *r = *state;
    uint64_t until = owner_wall_ms(&r->owner) + 5000;

    (void)chat_rig_do(r, 0, "{'action':'login','name':'ana'}");
    chat_rig_has(chat_rig_do(r, 1,
                             "{'action':'profile_set','status':'out','status_until':%llu,"
                             "'state':'dnd','state_until':%llu}",
                             (unsigned long long)until, (unsigned long long)until),
                 "'status':'out'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'profiles','users':'1'}"),
                 "[{'id':1,'name':'ana','status':'out',");
    chat_rig_rest(r, 6000);
    chat_rig_has(chat_rig_do(r, 2, "{'action':'profiles','users':'1'}"), "[{'id':1,'name':'ana'}]");
}

/* Two of a person's devices at once: what both said is there. */
static void nothing_is_lost_between_two(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *a, *b;

    (void)chat_rig_do(r, 0, "{'action':'login','name':'ana'}");
    r->gate->closed[STORE_PUT] = true;
    a = chat_rig_start(r, 1, "{'action':'profile_set','display':'A'}");
    b = chat_rig_start(r, 1, "{'action':'profile_set','zone':'Z'}");
    while (r->gate->held_n < 2)
        assert_true(chat_rig_turn(r));
    store_gate_open(r->gate);
    chat_rig_has(chat_rig_wait(a), "'display':'A'");
    chat_rig_has(chat_rig_wait(b), "'zone':'Z'");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'profiles','users':'1'}"),
                 "'display':'A','zone':'Z'");
    chat_rig_free(a);
    chat_rig_free(b);
}

/* Their other devices hear of it, once it is stored and before it is answered. */
static void a_change_is_told_to_oneself(void **state)
{
    struct chat_rig *r = *state;
    const char *log = "{'action':'history','room':'@1','view':'log'}";

    (void)chat_rig_do(r, 0, "{'action':'login','name':'ana'}");
    (void)chat_rig_do(r, 1, "{'action':'profile_set','zone':'nowhere at all'}");
    chat_rig_has(chat_rig_do(r, 1, "%s", log), "'entries':[]");
    (void)chat_rig_do(r, 1, "{'action':'profile_set','zone':'Z'}");
    chat_rig_has(chat_rig_do(r, 1, "%s", log), "{'event':'profile','room':'@1','seq':1,");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(cmocka_unit_test(a_profile_is_kept_as_it_was_said), EACH(what_has_an_end_is_over_then),
           EACH(nothing_is_lost_between_two), EACH(a_change_is_told_to_oneself))
