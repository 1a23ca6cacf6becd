#include "chat/room/owner.h"
#include "chat/room/presence.h"

#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>

static struct presence_person people[300];
static char names[300][8];

/* The room, followed on workers 0 .. workers-1; nobody has been told of yet. */
static struct room *begin(void **state, unsigned workers)
{
    struct chat_rig *r = *state;

    (void)chat_rig_do(r, 1, "{'action':'join','room':'r'}");
    for (unsigned i = 0; i < workers; i++)
        chat_rig_follow(r, "r", i);
    for (unsigned i = 0; i < COUNTOF(people); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%u", i);
        people[i] = (struct presence_person){i, str_of(names[i])};
    }
    chat_rig_rest(r, 5000);
    assert_int_equal(r->casts_n, 0);
    return chat_rig_room(r, "r");
}

/* The people from .. to-1 are on the worker. */
static void here(struct chat_rig *r, unsigned worker, unsigned from, unsigned to)
{
    owner_present(&r->owner, STR("r"), worker, to - from, people + from);
}

static void who_is_here_is_told(void **state)
{
    struct chat_rig *r = *state;

    (void)begin(state, 2);
    here(r, 0, 5, 7);
    chat_rig_rest(r, 1500);
    assert_int_equal(r->casts_n, 1);
    assert_string_equal(r->cast, "{'event':'presence','room':'r','users':[{'id':5,'name':'n5'},"
                                 "{'id':6,'name':'n6'}],'count':2}");
    /* On another worker, and partly the same. */
    here(r, 1, 6, 8);
    chat_rig_rest(r, 1500);
    chat_rig_has(r->cast, "'count':3}");
    chat_rig_has(r->cast, "{'id':7,'name':'n7'}");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'presence','id':1,'room':'r'}"),
                 "'ok':{'users':[{'id':5,'name':'n5'},{'id':6,'name':'n6'},{'id':7,'name':'n7'}],"
                 "'count':3}");
    assert_int_equal(r->casts_n, 2);
}

/* Only the latest matters. */
static void many_changes_are_few_casts(void **state)
{
    struct chat_rig *r = *state;

    (void)begin(state, 1);
    for (unsigned i = 1; i <= 100; i++) {
        here(r, 0, 0, i);
        chat_rig_rest(r, 20);
    }
    chat_rig_rest(r, 3000);
    assert_in_range(r->casts_n, 2, 5);
    chat_rig_has(r->cast, "'count':100}");
}

static void many_people_are_a_number(void **state)
{
    struct chat_rig *r = *state;

    (void)begin(state, 2);
    here(r, 0, 0, 150);
    here(r, 1, 150, 260);
    chat_rig_rest(r, 6000);
    assert_string_equal(r->cast, "{'event':'presence','room':'r','count':260}");
    assert_int_equal(r->casts_n, 1);
    /* More rarely, too. */
    for (int i = 0; i < 10; i++) {
        here(r, 1, 150, 251 + (unsigned)i);
        chat_rig_rest(r, 1000);
    }
    assert_in_range(r->casts_n, 2, 3);
    /* A worker that has too many for a list sends none. */
    owner_present(&r->owner, STR("r"), 1, 3, NULL);
    here(r, 0, 0, 1);
    chat_rig_rest(r, 8000);
    assert_string_equal(r->cast, "{'event':'presence','room':'r','count':4}");
}

/* A worker's last follower goes and comes back: nobody is told that it went. */
static void a_reload_is_no_departure(void **state)
{
    struct chat_rig *r = *state;

    (void)begin(state, 2);
    here(r, 0, 0, 2);
    here(r, 1, 5, 6);
    chat_rig_rest(r, 3000);
    chat_rig_has(r->cast, "'count':3}");
    owner_unfollow(&r->owner, STR("r"), 1);
    chat_rig_rest(r, 5000);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'presence','room':'r'}"), "'count':3}");
    chat_rig_follow(r, "r", 1);
    here(r, 1, 5, 6);
    chat_rig_rest(r, 30000);
    chat_rig_has(r->cast, "'count':3}");
}

static void a_departure_is_told_later(void **state)
{
    struct chat_rig *r = *state;

    (void)begin(state, 3);
    here(r, 0, 0, 2);
    here(r, 1, 5, 6);
    here(r, 2, 7, 8);
    chat_rig_rest(r, 3000);
    owner_unfollow(&r->owner, STR("r"), 1);
    chat_rig_rest(r, 10000);
    owner_unfollow(&r->owner, STR("r"), 2);
    here(r, 0, 0, 3); /* others are told of at once meanwhile */
    chat_rig_rest(r, 2000);
    chat_rig_has(r->cast, "'count':5}");
    chat_rig_rest(r, 5000);
    chat_rig_has(r->cast, "'count':4}");
    chat_rig_has_not(r->cast, "'n5'");
    chat_rig_rest(r, 10000);
    chat_rig_has(r->cast, "'count':3}");
}

static void nobody_left_is_told_nothing(void **state)
{
    struct chat_rig *r = *state;
    unsigned casts;

    (void)begin(state, 1);
    here(r, 0, 0, 2);
    chat_rig_rest(r, 3000);
    casts = r->casts_n;
    owner_unfollow(&r->owner, STR("r"), 0);
    chat_rig_rest(r, 30000);
    assert_int_equal(r->casts_n, casts);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'presence','room':'r'}"), "'count':0}");
    /* News of a worker that has no follower any more is late. */
    here(r, 0, 0, 2);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'presence','room':'r'}"), "'count':0}");
    owner_unfollow(&r->owner, STR("none"), 0);
}

/* A room that is freed takes its presence along. */
static void it_goes_with_the_room(void **state)
{
    struct chat_rig *r = *state;

    (void)begin(state, 1);
    here(r, 0, 0, 2);
    owner_unfollow(&r->owner, STR("r"), 0);
    for (int i = 0; i < 20; i++)
        (void)chat_rig_do(r, 1, "{'action':'history','room':'other-%d'}", i);
    assert_null(chat_rig_room(r, "r"));
    chat_rig_rest(r, 30000);
    assert_int_equal(r->casts_n, 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(who_is_here_is_told), EACH(many_changes_are_few_casts),
           EACH(many_people_are_a_number), EACH(a_reload_is_no_departure),
           EACH(a_departure_is_told_later), EACH(nobody_left_is_told_nothing),
           EACH(it_goes_with_the_room))
