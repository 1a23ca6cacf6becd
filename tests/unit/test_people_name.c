/* Names that look alike: chat/people/people_name.h. */
#include "chat/people/people_name.h"

#include "base/rng.h"
#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>

#define CYRILLIC_SCOPE "\xd1\x95\xd1\x81\xd0\xbe\xd1\x80\xd0\xb5"

static const char *login(struct chat_rig *r, const char *name)
{
    return chat_rig_do(r, 0, "{'action':'login','name':'%s'}", name);
}

static void a_name_is_had_once_by_its_look(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_has(login(r, "Paypal"), "'id':1,'name':'Paypal'");
    chat_rig_has(login(r, "paypal"), "'id':1,'name':'Paypal'");
    chat_rig_has(login(r, "PaypaI"), "'code':'name_alike'");
    chat_rig_has(login(r, "scope"), "'name':'scope'");
    chat_rig_has(login(r, CYRILLIC_SCOPE), "'code':'name_alike'");
    chat_rig_has(login(r, "P\xd0\xb0ypal"), "'code':'bad_name'");
    assert_string_equal(chat_rig_record(r, "names", "paypai"), "-");
    assert_string_equal(chat_rig_record(r, "names", CYRILLIC_SCOPE), "-");
    assert_string_equal(chat_rig_record(r, "looks", "paypal"), "1 paypal");
    chat_rig_has(login(r, "Paypa"), "'name':'Paypa'");
}

/* From before there were looks: also one of two scripts. */
static void an_old_name_goes_on(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "names", "\xd0\xb0na", "7 \xd0\xb0na");
    chat_rig_put(r, "u:7", "user", "u\xd0\xb0na");
    chat_rig_has(login(r, "\xd0\xb0na"), "'id':7,");
    assert_string_equal(chat_rig_record(r, "looks", "ana"), "-");
    chat_rig_has(login(r, "ana"), "'id':1,");
    chat_rig_has(login(r, "\xd0\xb0na"), "'id':7,");
}

static void a_look_that_nobody_has_is_taken_over(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "looks", "paypal", "9 paypai");
    chat_rig_has(login(r, "paypal"), "'id':1,");
    assert_string_equal(chat_rig_record(r, "looks", "paypal"), "1 paypal");
    chat_rig_put(r, "looks", "lris", "9 iris"); /* whose name is another's */
    chat_rig_put(r, "names", "iris", "8 iris");
    chat_rig_has(login(r, "lris"), "'name':'lris'");
}

/* Two nodes, each with people and a way to the store of its own. */
struct race {
    struct chat_rig *nodes[2];
    struct chat_rig_call *calls[2];
    char names[2][32];
};

static struct race race_of(struct chat_rig *first)
{
    struct race race = {.nodes = {first}};
    struct chat_rig *second;
    void *state;

    assert_int_equal(chat_rig_setup(&state), 0);
    second = state;
    store_close(second->mem);
    assert_int_equal(store_mem_open(second->host, first->disk, &second->mem), 0);
    second->gate->inner = second->mem;
    second->random += 1000000; /* sessions of its own */
    race.nodes[1] = second;
    return race;
}

/* One request of the node is done or fails, and what follows from it is asked. */
static void step(struct race *race, unsigned node, bool fails)
{
    struct chat_rig *r = race->nodes[node];

    assert_int_equal(r->gate->held_n, 1);
    if (fails)
        store_gate_fail(r->gate, 0, STORE_FAILED);
    else
        store_gate_let(r->gate, 0);
    while (r->gate->held_n == 0 && !race->calls[node]->ended)
        assert_true(chat_rig_turn(r));
}

/* In any order. The first node gets no further than its step dies_at. */
static void run(struct race *race, struct rng *rng, unsigned dies_at)
{
    unsigned first_n = 0;

    for (unsigned i = 0; i < 2; i++) {
        memset(race->nodes[i]->gate->closed, true, sizeof(race->nodes[i]->gate->closed));
        race->calls[i] =
            chat_rig_start(race->nodes[i], 0, "{'action':'login','name':'%s'}", race->names[i]);
    }
    while (!race->calls[0]->ended || !race->calls[1]->ended) {
        unsigned node = race->calls[0]->ended || (!race->calls[1]->ended && rng_chance(rng, 500));

        step(race, node, node == 0 && first_n == dies_at);
        first_n += node == 0;
    }
    for (unsigned i = 0; i < 2; i++)
        store_gate_open(race->nodes[i]->gate);
}

/* The user that it is answered; 0: their name is another's. */
static uint64_t user_of(const char *answer)
{
    const char *user = strstr(answer, "'user':");

    if (user == NULL)
        chat_rig_has(answer, "'code':'name_alike'");
    return user != NULL ? chat_rig_number(user, "id") : 0;
}

static void assert_one_has_it(struct race *race)
{
    uint64_t users[2];
    char text[64];

    for (unsigned i = 0; i < 2; i++)
        users[i] = user_of(login(race->nodes[0], race->names[i]));
    if ((users[0] != 0) == (users[1] != 0))
        fail_msg("%s is %llu, %s is %llu", race->names[0], (unsigned long long)users[0],
                 race->names[1], (unsigned long long)users[1]);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof(text), "%llu %s", (unsigned long long)users[i], race->names[i]);
        assert_string_equal(chat_rig_record(race->nodes[0], "names", race->names[i]),
                            users[i] != 0 ? text : "-");
        if (strstr(race->calls[i]->answer, "store_failed") == NULL)
            assert_int_equal(user_of(race->calls[i]->answer), users[i]);
    }
}

/* In whatever order two nodes do their steps, and if one of them ends after any: one has the name,
 * and keeps it. */
static void of_two_at_once_one_has_the_name(void **state)
{
    enum { STEPS = 12, ROUNDS = 100 * (STEPS + 1) };
    struct race race = race_of(*state);
    struct rng rng;
    void *second = race.nodes[1];

    rng_init(&rng, check_seed(1));
    for (unsigned i = 0; i < ROUNDS; i++) {
        (void)snprintf(race.names[0], sizeof(race.names[0]), "w%ux1", i);
        (void)snprintf(race.names[1], sizeof(race.names[1]), "w%uxl", i);
        run(&race, &rng, i % (STEPS + 1));
        chat_rig_restart(race.nodes[0]);
        assert_one_has_it(&race);
        for (unsigned node = 0; node < 2; node++)
            chat_rig_free(race.calls[node]);
    }
    (void)chat_rig_teardown(&second);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(a_name_is_had_once_by_its_look), EACH(an_old_name_goes_on),
           EACH(a_look_that_nobody_has_is_taken_over), EACH(of_two_at_once_one_has_the_name))
