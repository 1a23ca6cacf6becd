/* People of an outside issuer: chat/people/identity.h and chat/people/subject.h. */
#include "chat/people/subject.h"

#include "base/rng.h"
#include "base/str.h"
#include "lib/chat_rig.h"
#include "lib/issued_token.h"
#include "lib/jwk_samples.h"

#include <stdio.h>

#define ISSUER "https://id.example.org"
#define HOUR_S 3600

static const struct str audience = {(const uint8_t *)"chat", 4};
static const struct str names[] = {{(const uint8_t *)"preferred_username", 18},
                                   {(const uint8_t *)"email", 5},
                                   {(const uint8_t *)"sub", 3}};
static unsigned wanted; /* how often newer keys were asked for */

static void want_keys(struct identity *id)
{
    (void)id;
    wanted++;
}

static const struct identity_options options = {
    .rules = {.issuer = {(const uint8_t *)ISSUER, sizeof(ISSUER) - 1},
              .audiences = &audience,
              .audiences_n = 1,
              .names = names,
              .names_n = COUNTOF(names),
              .skew_s = 30},
    .want_keys = want_keys,
};

static uint64_t now_s(struct chat_rig *r)
{
    return owner_wall_ms(&r->owner) / 1000;
}

static void give_keys(struct chat_rig *r)
{
    struct jwks *keys;

    assert_int_equal(jwks_parse(STR("{\"keys\":[" JWK_SAMPLES_OKP "]}"), &keys), JWKS_OK);
    identity_keys_take(&r->people.identity, keys, now_s(r));
}

static int set_up(void **state)
{
    struct chat_rig *r;

    assert_int_equal(chat_rig_setup(state), 0);
    r = *state;
    r->issuer = &options;
    chat_rig_restart(r);
    give_keys(r);
    wanted = 0;
    return 0;
}

/* A token with these claims, in which ' stands for ", besides issuer, audience and end. */
static struct buf token_of(struct chat_rig *r, const char *kid, const char *claims)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "{'iss':'" ISSUER "','aud':'chat','exp':%llu,%s}",
                   (unsigned long long)now_s(r) + HOUR_S, claims);
    return issued_token(kid, text);
}

/* Somebody whose token is looked at, and looked up if need be. */
struct visitor {
    struct call call;
    struct caller who;
    char name[IDENTITY_NAME_MAX];
    enum error_code error;
    bool asked; /* the store */
    bool ended;
};

static void visited(struct call *call)
{
    struct visitor *v = CONTAINER_OF(call, struct visitor, call);

    v->ended = true;
    v->error = call->error;
    v->who = call->who;
    (void)snprintf(v->name, sizeof(v->name), "%.*s", STR_ARGS(call->who.name));
}

static void come(struct chat_rig *r, struct visitor *v, const char *kid, const char *claims)
{
    struct buf token CLEANUP(buf_fini) = token_of(r, kid, claims);
    uint8_t scratch[PEOPLE_SCRATCH];
    struct identity_stranger stranger;

    *v = (struct visitor){0};
    call_init(&v->call, 4096);
    v->call.done = visited;
    v->error = people_verify(&r->people, buf_peek(&token), scratch, &v->call.who, &stranger);
    v->asked = v->error == ERROR_NONE && v->call.who.user == 0;
    if (v->asked)
        subject_find(&r->people, &v->call, &stranger);
    else if (v->error == ERROR_NONE)
        visited(&v->call);
}

static void wait_for(struct chat_rig *r, struct visitor *v)
{
    while (v->asked && !v->ended)
        assert_true(chat_rig_turn(r));
    call_fini(&v->call);
}

static struct visitor visit(struct chat_rig *r, const char *claims)
{
    struct visitor v;

    come(r, &v, "okp", claims);
    wait_for(r, &v);
    v.call = (struct call){0};
    return v;
}

static void a_subject_is_one_user(void **state)
{
    struct chat_rig *r = *state;
    struct visitor v = visit(r, "'sub':'a-1','preferred_username':'Ana'"), again;

    assert_int_equal(v.error, ERROR_NONE);
    assert_true(v.asked && v.who.user == 1 && !v.who.super);
    assert_string_equal(v.name, "Ana");
    assert_int_equal(v.who.expires_ms, (now_s(r) + HOUR_S + options.rules.skew_s) * 1000);
    again = visit(r, "'sub':'a-1','preferred_username':'Bo'"); /* the name is theirs */
    assert_false(again.asked);
    assert_int_equal(again.who.user, 1);
    assert_int_equal(again.who.session, v.who.session);
    assert_string_equal(again.name, "Ana");
    assert_string_equal(chat_rig_record(r, "u:1", "user"), "xAna");
    assert_string_equal(chat_rig_record(r, "names", "ana"), "1 Ana");
    chat_rig_restart(r);
    give_keys(r);
    again = visit(r, "'sub':'a-1'");
    assert_true(again.asked && again.who.user == 1);
    assert_string_equal(again.name, "Ana");
    assert_int_equal(visit(r, "'sub':'A-1'").who.user, 17); /* of another block */
}

static void a_taken_name_is_numbered(void **state)
{
    struct chat_rig *r = *state;
    struct visitor v;
    char claims[128];

    (void)chat_rig_do(r, 0, "{'action':'login','name':'Ana'}");
    assert_string_equal(visit(r, "'sub':'1','preferred_username':'ana'").name, "ana-2");
    assert_string_equal(visit(r, "'sub':'2','preferred_username':'ANA'").name, "ANA-3");
    for (unsigned i = 3; i < 9; i++) {
        (void)snprintf(claims, sizeof(claims), "'sub':'%u','preferred_username':'ana'", i);
        (void)visit(r, claims);
    }
    assert_string_equal(visit(r, "'sub':'9','preferred_username':'ana'").name, "ana-10");
    assert_string_equal(visit(r, "'sub':'10','preferred_username':'ana'").name, "ana-11");
    /* somebody has foreseen which name is next, and taken it */
    (void)chat_rig_do(r, 0, "{'action':'login','name':'ana-13'}");
    v = visit(r, "'sub':'11','preferred_username':'ana'");
    assert_int_equal(v.error, ERROR_NONE);
    assert_int_equal(v.who.user, 13);
    assert_true(str_starts(str_of(v.name), STR("ana-")) &&
                strlen(v.name) == strlen("ana-1234567890"));
}

/* Names that are none, and what is made of them. */
static void any_claim_makes_a_name(void **state)
{
    struct chat_rig *r = *state;

    assert_string_equal(visit(r, "'sub':'1','email':'ana.b@example.org'").name, "ana.b");
    assert_string_equal(visit(r, "'sub':'2','preferred_username':'--'").name, "user");
    assert_string_equal(visit(r, "'sub':'3','preferred_username':'@x|y<z>'").name, "x_y_z");
    assert_string_equal(visit(r, "'sub':'00000000-1111-2222-3333-444444444444'").name,
                        "00000000-1111-2222-3333-44444444");
    assert_string_equal(visit(r, "'sub':'00000000-1111-2222-3333-444444444445'").name,
                        "00000000-1111-2222-3333-444444-2");
}

/* Nobody else gets in by that name, not even while it is being made. */
static void there_is_no_login_by_that_name(void **state)
{
    struct chat_rig *r = *state;

    for (unsigned turns = 0; turns < 40; turns++) {
        struct visitor v;
        struct chat_rig_call *login;
        char claims[128];
        const char *answer;

        (void)snprintf(claims, sizeof(claims), "'sub':'%u','preferred_username':'p%u'", turns,
                       turns);
        come(r, &v, "okp", claims);
        for (unsigned i = 0; i < turns && !v.ended; i++)
            (void)chat_rig_turn(r);
        login = chat_rig_start(r, 0, "{'action':'login','name':'P%u'}", turns);
        answer = chat_rig_wait(login);
        wait_for(r, &v);
        assert_int_equal(v.error, ERROR_NONE);
        if (strstr(answer, "'login_elsewhere'") == NULL)
            assert_int_not_equal(chat_rig_number(strstr(answer, "'user':"), "id"), v.who.user);
        chat_rig_free(login);
    }
}

/* The name is taken for them, and not yet written down as theirs. */
static void nor_while_their_name_is_written(void **state)
{
    struct chat_rig *r = *state;
    struct visitor v;

    r->gate->closed[STORE_PUT] = true;
    come(r, &v, "okp", "'sub':'a','preferred_username':'ana'");
    while (strcmp(chat_rig_record(r, "names", "ana"), "-") == 0) {
        while (r->gate->held_n == 0)
            assert_true(chat_rig_turn(r));
        store_gate_let(r->gate, 0);
    }
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    assert_string_equal(chat_rig_record(r, "u:1", "user"), "x");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'Ana'}"), "'login_elsewhere'");
    store_gate_open(r->gate);
    wait_for(r, &v);
    assert_string_equal(v.name, "ana");
    assert_string_equal(chat_rig_record(r, "u:1", "user"), "xana");
}

/* Several at once, with different names for one subject, at every interleaving: one
 * user with one name. */
static void all_come_to_the_same_user(void **state)
{
    struct chat_rig *r = *state;
    struct visitor v[4];

    for (unsigned round = 0; round < 24; round++) {
        char claims[128], pk[32], body[IDENTITY_NAME_MAX + 1];

        for (unsigned i = 0; i < COUNTOF(v); i++) {
            (void)snprintf(claims, sizeof(claims), "'sub':'s%u','preferred_username':'%c%u'", round,
                           i % 2 ? 'x' : 'y', round);
            come(r, &v[i], "okp", claims);
            for (unsigned t = 0; t < round % 8; t++)
                (void)chat_rig_turn(r);
        }
        for (unsigned i = 0; i < COUNTOF(v); i++) {
            wait_for(r, &v[i]);
            assert_int_equal(v[i].error, ERROR_NONE);
            assert_int_equal(v[i].who.user, v[0].who.user);
            assert_string_equal(v[i].name, v[0].name);
        }
        (void)snprintf(pk, sizeof(pk), "u:%llu", (unsigned long long)v[0].who.user);
        (void)snprintf(body, sizeof(body), "x%s", v[0].name);
        assert_string_equal(chat_rig_record(r, pk, "user"), body);
    }
}

/* A process that ends after any step leaves what the next one completes. */
static void what_was_begun_is_finished(void **state)
{
    struct chat_rig *r = *state;

    (void)chat_rig_do(r, 0, "{'action':'login','name':'p'}");
    for (unsigned steps = 0; steps < 14; steps++) {
        struct visitor v, again;
        char claims[128];

        (void)snprintf(claims, sizeof(claims), "'sub':'s%u','preferred_username':'p'", steps);
        memset(r->gate->closed, true, sizeof(r->gate->closed));
        come(r, &v, "okp", claims);
        for (unsigned i = 0; i <= steps && !v.ended; i++) {
            while (r->gate->held_n == 0 && !v.ended)
                assert_true(chat_rig_turn(r));
            if (i < steps && r->gate->held_n > 0)
                store_gate_let(r->gate, 0);
            else if (r->gate->held_n > 0)
                store_gate_fail(r->gate, 0, STORE_FAILED);
        }
        wait_for(r, &v);
        store_gate_open(r->gate);
        again = visit(r, claims);
        assert_int_equal(again.error, ERROR_NONE);
        assert_true(again.who.user > 1 && again.name[0] == 'p' && again.name[1] == '-');
    }
}

/* Two nodes, each with a loop, people and a way to the store of its own, and one person
 * who comes to both for the first time, as two tokens name them. */
struct race {
    struct chat_rig *nodes[2];
    struct visitor v[2];
    unsigned serial; /* of the subject */
};

static struct race race_of(struct chat_rig *first)
{
    struct race race = {.nodes = {first}};
    struct chat_rig *second;
    void *state;

    assert_int_equal(set_up(&state), 0);
    second = state;
    store_close(second->mem);
    assert_int_equal(store_mem_open(second->host, first->disk, &second->mem), 0);
    second->gate->inner = second->mem;
    race.nodes[1] = second;
    return race;
}

static void race_end(struct race *race)
{
    void *state = race->nodes[1];

    (void)chat_rig_teardown(&state);
}

static void both_come(struct race *race)
{
    race->serial++;
    for (unsigned i = 0; i < 2; i++) {
        struct chat_rig *r = race->nodes[i];
        char claims[128];

        memset(r->gate->closed, true, sizeof(r->gate->closed));
        (void)snprintf(claims, sizeof(claims), "'sub':'s%u','preferred_username':'%c%u'",
                       race->serial, i == 0 ? 'x' : 'y', race->serial);
        come(r, &race->v[i], "okp", claims);
    }
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
    while (r->gate->held_n == 0 && !race->v[node].ended)
        assert_true(chat_rig_turn(r));
}

/* They take turns as chance will have it. The first node gets no further than its step
 * dies_at. */
static void run(struct race *race, struct rng *rng, unsigned dies_at)
{
    unsigned first_n = 0;

    both_come(race);
    while (!race->v[0].ended || !race->v[1].ended) {
        unsigned node = race->v[0].ended || (!race->v[1].ended && rng_chance(rng, 500));

        step(race, node, node == 0 && first_n == dies_at);
        first_n += node == 0;
    }
    for (unsigned i = 0; i < 2; i++) {
        call_fini(&race->v[i].call);
        store_gate_open(race->nodes[i]->gate);
    }
}

/* Of the numbers around this one exactly it is the user. */
static void assert_alone(struct race *race, const struct visitor *v, uint64_t number)
{
    char pk[32], text[IDENTITY_NAME_MAX + 32];

    (void)snprintf(text, sizeof(text), "x%s", v->name);
    for (uint64_t id = number > 20 ? number - 20 : 1; id < number + 20; id++) {
        bool theirs;

        (void)snprintf(pk, sizeof(pk), "u:%llu", (unsigned long long)id);
        theirs = strcmp(chat_rig_record(race->nodes[1], pk, "user"), text) == 0;
        assert_int_equal(theirs, id == v->who.user);
    }
}

/* One is a user of those that the race took: from first on, or of another block. */
static void assert_one_user(struct race *race, const struct visitor *v, uint64_t first)
{
    char text[IDENTITY_NAME_MAX + 32];

    assert_alone(race, v, first);
    assert_alone(race, v, v->who.user);
    (void)snprintf(text, sizeof(text), "%llu %s", (unsigned long long)v->who.user, v->name);
    assert_string_equal(chat_rig_record(race->nodes[1], "names", v->name), text);
}

/* The number that the next user gets. */
static uint64_t next_user(struct race *race)
{
    char claims[64];

    (void)snprintf(claims, sizeof(claims), "'sub':'n%u'", race->serial);
    return visit(race->nodes[1], claims).who.user + 1;
}

/* In whatever order two nodes do their steps, and if one of them ends after any. */
static void two_nodes_come_to_the_same_user(void **state)
{
    enum { STEPS = 14, ROUNDS = 120 * (STEPS + 1) };
    struct race race = race_of(*state);
    struct rng rng;

    rng_init(&rng, check_seed(1));
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t first = next_user(&race);
        struct visitor *v = race.v, again;
        char claims[64];

        run(&race, &rng, i % (STEPS + 1));
        chat_rig_restart(race.nodes[0]);
        give_keys(race.nodes[0]);
        (void)snprintf(claims, sizeof(claims), "'sub':'s%u','preferred_username':'z'", race.serial);
        again = visit(race.nodes[0], claims);
        assert_int_equal(again.error, ERROR_NONE);
        assert_one_user(&race, &again, first);
        for (unsigned node = 0; node < 2; node++) {
            if (node == 0 && v[0].error == ERROR_store_failed)
                continue;
            assert_int_equal(v[node].error, ERROR_NONE);
            assert_int_equal(v[node].who.user, again.who.user);
            assert_string_equal(v[node].name, again.name);
        }
    }
    race_end(&race);
}

static void a_session_is_listed_and_ended(void **state)
{
    struct chat_rig *r = *state;
    struct visitor v = visit(r, "'sub':'a','origin_jti':'o','jti':'1','iat':5"), other;
    const char *sessions;
    char sid[32];

    (void)snprintf(sid, sizeof(sid), "%llu", (unsigned long long)v.who.session);
    sessions = chat_rig_do(r, v.who.user, "{'action':'sessions','id':1}");
    chat_rig_has(sessions, sid);
    chat_rig_has(sessions, "'created':5000");
    /* a later token of the same session, one of another, one without any */
    chat_rig_rest(r, 2000);
    other = visit(r, "'sub':'a','origin_jti':'o','jti':'2'");
    assert_true(other.asked && other.who.session == v.who.session);
    assert_int_not_equal(visit(r, "'sub':'a','origin_jti':'p','jti':'1'").who.session,
                         v.who.session);
    other = visit(r, "'sub':'a','iat':7");
    assert_int_not_equal(other.who.session, visit(r, "'sub':'a','iat':8").who.session);
    assert_int_not_equal(other.who.session, visit(r, "'sub':'b','iat':7").who.session);

    chat_rig_has(chat_rig_do(r, v.who.user, "{'action':'logout','id':1,'session':'%s'}", sid),
                 "'ok'");
    assert_int_equal(visit(r, "'sub':'a','origin_jti':'o','jti':'3'").error, ERROR_revoked);
    /* as long as such a session may last, not only as its token does */
    assert_true(strtoull(chat_rig_record(r, "revoked", sid), NULL, 10) >=
                owner_wall_ms(&r->owner) + r->people.token_ttl_ms - 1000);
    assert_int_equal(visit(r, "'sub':'a','origin_jti':'p','jti':'1'").error, ERROR_NONE);
}

static void an_unknown_key_is_asked_for_if_it_may_be_new(void **state)
{
    struct chat_rig *r = *state;
    struct visitor v;
    char claims[64];

    chat_rig_rest(r, 5000);
    (void)snprintf(claims, sizeof(claims), "'sub':'a','iat':%llu", (unsigned long long)now_s(r));
    come(r, &v, "new", claims);
    assert_int_equal(v.error, ERROR_issuer_unavailable);
    assert_int_equal(wanted, 1);
    call_fini(&v.call);
    come(r, &v, "new", "'sub':'a','iat':5"); /* older than the keys: not in them for good */
    assert_int_equal(v.error, ERROR_bad_token);
    call_fini(&v.call);
    come(r, &v, "new", "'sub':'a','iat':99999999999"); /* it was not issued yet */
    assert_int_equal(v.error, ERROR_bad_token);
    assert_int_equal(wanted, 1);
    call_fini(&v.call);
    identity_keys_take(&r->people.identity, NULL, 0);
    assert_int_equal(visit(r, "'sub':'a'").error, ERROR_issuer_unavailable);
    assert_int_equal(wanted, 2);
    assert_int_equal(r->people.identity.refused[IDENTITY_NO_KEYS], 2);
    assert_int_equal(r->people.identity.refused[JWT_NO_KEY], 2);
}

static void only_so_many_are_remembered(void **state)
{
    struct identity id;
    struct identity_stranger s = {.session = 1, .expires_ms = 9};

    (void)state;
    identity_init(&id, &options);
    for (unsigned i = 0; i < IDENTITY_KNOWN_MAX + 3; i++) {
        memcpy(s.subject, &i, sizeof(i));
        identity_learn(&id, &s, i + 1, STR("n"));
    }
    assert_int_equal(map_n(&id.known), IDENTITY_KNOWN_MAX);
    identity_fini(&id);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, chat_rig_teardown)

CHECK_MAIN(EACH(a_subject_is_one_user), EACH(a_taken_name_is_numbered),
           EACH(any_claim_makes_a_name), EACH(there_is_no_login_by_that_name),
           EACH(nor_while_their_name_is_written), EACH(all_come_to_the_same_user),
           EACH(what_was_begun_is_finished), EACH(two_nodes_come_to_the_same_user),
           EACH(a_session_is_listed_and_ended), EACH(an_unknown_key_is_asked_for_if_it_may_be_new),
           cmocka_unit_test(only_so_many_are_remembered))
