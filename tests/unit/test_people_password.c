/* People with passwords: login, signup, password, recover and reset, over the store in memory. */
#include "chat/people/people_password.h"

#include "base/str.h"
#include "lib/chat_rig.h"

#include <stdio.h>

#define RIGHT "correct horse"
#define OTHER "battery staple"
#define CODE "0123456789abcdef01234567"

static const struct hasher_options cheap = {
    .memory = 8192, .passes = 1, .threads = 1, .queue_max = 8};

static int set_up(void **state)
{
    int r = chat_rig_setup(state);

    if (r == 0)
        chat_rig_passwords(*state, &cheap);
    return r;
}

static const char *login(struct chat_rig *r, const char *name, const char *password)
{
    return chat_rig_do(r, 0, "{'action':'login','name':'%s','password':'%s'}", name, password);
}

static const char *signup(struct chat_rig *r, const char *name, const char *password)
{
    return chat_rig_do(r, 0, "{'action':'signup','name':'%s','password':'%s'}", name, password);
}

static uint64_t user_of(const char *answer)
{
    const char *user = strstr(answer, "'user':");

    assert_non_null(user);
    return chat_rig_number(user, "id");
}

static const char *record(struct chat_rig *r, uint64_t user)
{
    char pk[32];

    (void)snprintf(pk, sizeof(pk), "u:%llu", (unsigned long long)user);
    return chat_rig_record(r, pk, "password");
}

static void a_password_opens_one_name(void **state)
{
    struct chat_rig *r = *state;
    const char *answer = signup(r, "Ana", RIGHT);
    struct caller who;

    chat_rig_has(answer, "'user':{'id':1,'name':'Ana'}");
    assert_int_equal(chat_rig_verify(r, answer, &who), ERROR_NONE);
    assert_true(who.user == 1 && !who.super);
    chat_rig_has(login(r, "ana", RIGHT), "'user':{'id':1,'name':'Ana'}");
    chat_rig_has(login(r, "ana", OTHER), "'bad_login'");
    chat_rig_has(login(r, "ana", "short"), "'bad_login'");
    chat_rig_has(login(r, "bob", RIGHT), "'bad_login'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'missing_parameter'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'new'}"), "'missing_parameter'");
    assert_string_equal(chat_rig_record(r, "names", "new"), "-");
    assert_string_equal(chat_rig_record(r, "names", "bob"), "-");
    chat_rig_has(record(r, 1), "$argon2id$");
    chat_rig_has_not(record(r, 1), "horse");
}

static void what_signup_refuses(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_has(signup(r, "Ana", RIGHT), "'id':1");
    chat_rig_has(signup(r, "ANA", OTHER), "'name_taken'");
    assert_int_equal(user_of(signup(r, "Iris", RIGHT)), 2);
    chat_rig_has(signup(r, "lris", RIGHT), "'code':'name_alike'");
    assert_string_equal(chat_rig_record(r, "names", "lris"), "-");
    assert_string_equal(record(r, 3), "-");
    assert_string_equal(chat_rig_record(r, "u:3", "user"), "-");
    chat_rig_has(login(r, "lris", RIGHT), "'bad_login'");
    chat_rig_has(signup(r, "bob", "short"), "'bad_password'");
    chat_rig_has(signup(r, "annemarie", "ANNEMARIE"), "'bad_password'");
    chat_rig_has(signup(r, "a@b", RIGHT), "'bad_name'");
    r->people.ways.signup = PEOPLE_SIGNUP_CLOSED;
    chat_rig_has(signup(r, "bob", RIGHT), "'signup_closed'");
    r->people.ways.hasher = NULL;
    chat_rig_has(signup(r, "bob", RIGHT), "'way_closed'");
    chat_rig_has(login(r, "ana", RIGHT), "'way_closed'");
    chat_rig_has(login(r, "ana", OTHER), "'way_closed'");
    assert_string_equal(chat_rig_record(r, "names", "bob"), "-");
}

/* Whoever it is: as much work, the same answer. */
static void nobody_learns_which_names_there_are(void **state)
{
    struct chat_rig *r = *state;
    static const char *const names[] = {"ana", "nobody", "script", "issued", "named"};
    char first[1024] = "";
    uint64_t gets = 0;

    chat_rig_has(signup(r, "ana", RIGHT), "'id':1");
    chat_rig_put(r, "names", "script", "7 script");
    chat_rig_put(r, "u:7", "user", "bscript");
    chat_rig_put(r, "names", "issued", "8 issued");
    chat_rig_put(r, "u:8", "user", "xissued");
    chat_rig_put(r, "names", "named", "9 named");
    chat_rig_put(r, "u:9", "user", "unamed");
    for (unsigned i = 0; i < COUNTOF(names); i++) {
        uint64_t hashed = hasher_stats(r->hasher).hashed;
        uint64_t before = r->gate->seen[STORE_GET];
        const char *answer = login(r, names[i], OTHER);

        assert_int_equal(hasher_stats(r->hasher).hashed, hashed + 1);
        if (i == 0) {
            (void)snprintf(first, sizeof(first), "%s", answer);
            gets = r->gate->seen[STORE_GET] - before;
        }
        assert_string_equal(answer, first);
        assert_int_equal(r->gate->seen[STORE_GET] - before, gets);
    }
}

/* Guessing from elsewhere is slowed down, and keeps nobody out who was here before. */
static void guesses_hold_up_strangers_alone(void **state)
{
    struct chat_rig *r = *state;
    uint64_t hashed;
    unsigned wrong = 0;

    r->place = 11;
    chat_rig_has(signup(r, "ana", RIGHT), "'id':1");
    for (unsigned i = 0; i < 100; i++) {
        r->place = 1000 + i;
        wrong += strstr(login(r, "ana", OTHER), "'bad_login'") != NULL ? 1 : 0;
    }
    assert_int_equal(wrong, 10);
    hashed = hasher_stats(r->hasher).hashed;
    chat_rig_has(login(r, "ana", RIGHT), "'rate_limited'");
    chat_rig_has(login(r, "ana", RIGHT), "'retry_after_ms':");
    assert_int_equal(hasher_stats(r->hasher).hashed, hashed);
    r->place = 11;
    chat_rig_has(login(r, "ana", RIGHT), "'id':1");
    chat_rig_has(login(r, "ana", RIGHT), "'id':1");
    r->place = 12; /* a new one, once the time has come: known from then on */
    chat_rig_has(login(r, "ana", RIGHT), "'rate_limited'");
    chat_rig_rest(r, 2000);
    chat_rig_has(login(r, "ana", RIGHT), "'id':1");
    chat_rig_has(login(r, "ana", RIGHT), "'id':1");
}

/* Another node's wrong guesses count here. */
static void guesses_are_told(void **state)
{
    struct chat_rig *r = *state;
    struct guess at = {hasher_mark(STR("ana")), 77, false};
    char told[HASHER_TOLD_MAX];

    chat_rig_has(signup(r, "ana", RIGHT), "'id':1");
    r->place = 78;
    for (unsigned i = 0; i < 10; i++)
        hasher_heard(r->hasher, hasher_tell(&at, told), io_now_ms(r->io));
    hasher_heard(r->hasher, STR("1 x 2"), 0);
    hasher_heard(r->hasher, STR(""), 0);
    chat_rig_rest(r, 1);
    chat_rig_has(login(r, "ana", RIGHT), "'rate_limited'");
}

static void a_full_queue_says_so(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[40];
    unsigned busy = 0, in = 0;

    chat_rig_has(signup(r, "ana", RIGHT), "'id':1");
    r->place = 11;
    chat_rig_has(login(r, "ana", RIGHT), "'id':1");
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        calls[i] = chat_rig_start(r, 0, "{'action':'login','name':'ana','password':'" RIGHT "'}");
    for (unsigned i = 0; i < COUNTOF(calls); i++) {
        const char *answer = chat_rig_wait(calls[i]);

        if (strstr(answer, "'login_busy'") != NULL) {
            chat_rig_has(answer, "'retry_after_ms':");
            busy++;
        } else {
            in += strstr(answer, "'token'") != NULL ? 1 : 0;
        }
    }
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        chat_rig_free(calls[i]);
    assert_true(busy > 0 && in > 0);
    chat_rig_has(login(r, "ana", RIGHT), "'id':1");
}

/* The owner's link is opened twice at once, at every interleaving of the store. */
static void two_by_the_same_link_are_the_owner(void **state)
{
    struct chat_rig *r = *state;

    for (unsigned wait = 0; wait < 40; wait++) {
        struct chat_rig_call *calls[2];
        unsigned owners = 0;
        char name[32];

        (void)snprintf(name, sizeof(name), "n%u", wait);
        chat_rig_put(r, "server", "owner-code", CODE);
        chat_rig_has(
            chat_rig_do(r, 0, "{'action':'signup','name':'%s','password':'" RIGHT "'}", name),
            "'token'");
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            calls[i] = chat_rig_start(
                r, 0, "{'action':'login','name':'%s','password':'" RIGHT "','owner':'" CODE "'}",
                name);
            for (unsigned t = 0; i == 0 && t < wait; t++)
                (void)chat_rig_turn(r);
        }
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            bool owner = strstr(chat_rig_wait(calls[i]), "'owner':true") != NULL;

            if (!owner) /* it came when the other had used the link up */
                chat_rig_has(chat_rig_wait(calls[i]), "'parameter':'owner'");
            owners += owner;
            chat_rig_free(calls[i]);
        }
        assert_in_range(owners, 1, 2);
    }
}

/* Of many who want a name at once one has it, and only theirs is its password. */
static void a_name_is_taken_once(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[6];

    for (unsigned round = 0; round < 20; round++) {
        unsigned won = COUNTOF(calls), n = 0;
        char name[32], text[64];

        (void)snprintf(name, sizeof(name), "n%u", round);
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            calls[i] = chat_rig_start(
                r, 0, "{'action':'signup','name':'%s','password':'password %u'}", name, i);
            for (unsigned t = 0; t < round % 7; t++)
                (void)chat_rig_turn(r);
        }
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            const char *answer = chat_rig_wait(calls[i]);

            if (strstr(answer, "'token'") == NULL) {
                chat_rig_has(answer, "'name_taken'");
                continue;
            }
            won = i;
            n++;
        }
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            chat_rig_free(calls[i]);
        assert_int_equal(n, 1);
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            (void)snprintf(text, sizeof(text), "password %u", i);
            r->place = 1 + round * COUNTOF(calls) + i; /* nobody guesses too much from one */
            chat_rig_has(login(r, name, text), i == won ? "'token'" : "'bad_login'");
        }
    }
}

static void the_first_owner_signs_up(void **state)
{
    struct chat_rig *r = *state;
    struct caller who;

    r->people.ways.signup = PEOPLE_SIGNUP_CLOSED;
    chat_rig_put(r, "server", "owner-code", CODE);
    chat_rig_has(chat_rig_do(r, 0,
                             "{'action':'signup','name':'eve','password':'" RIGHT
                             "','owner':'wrong'}"),
                 "'parameter':'owner'");
    assert_string_equal(chat_rig_record(r, "names", "eve"), "-");
    chat_rig_has(chat_rig_do(r, 0,
                             "{'action':'signup','name':'ana','password':'" RIGHT "','owner':'" CODE
                             "'}"),
                 "'owner':true");
    assert_string_equal(chat_rig_record(r, "u:1", "user"), "oana");
    assert_string_equal(chat_rig_record(r, "server", "owner-code"), "used");
    /* with the password the rights come again; without it nothing does */
    assert_int_equal(chat_rig_verify(r, login(r, "ana", RIGHT), &who), ERROR_NONE);
    assert_true(who.super);
    chat_rig_has(login(r, "ana", OTHER), "'bad_login'");
    r->people.ways.name = true;
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'password_needed'");
}

/* Whoever has only the owner's name does not become the owner by protecting it. */
static void an_owners_name_is_protected_by_the_owner(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "names", "ana", "5 ana");
    chat_rig_put(r, "u:5", "user", "oana");
    chat_rig_has(chat_rig_do(r, 5, "{'action':'password','new':'" RIGHT "'}"), "'forbidden'");
    assert_string_equal(record(r, 5), "-");
    r->people.ways.name = true;
    chat_rig_has_not(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'owner':true");
}

static void another_password_ends_all_sessions(void **state)
{
    struct chat_rig *r = *state;
    struct caller who;
    char first[4096], second[4096], answer[4096];

    (void)snprintf(first, sizeof(first), "%s", signup(r, "ana", RIGHT));
    (void)snprintf(second, sizeof(second), "%s", login(r, "ana", RIGHT));
    chat_rig_has(chat_rig_do(r, 1, "{'action':'password','new':'" OTHER "'}"), "'bad_login'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'password','old':'wrong one','new':'" OTHER "'}"),
                 "'bad_login'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'password','old':'" RIGHT "','new':'ana'}"),
                 "'bad_password'");
    assert_int_equal(chat_rig_verify(r, first, &who), ERROR_NONE);
    (void)snprintf(answer, sizeof(answer), "%s",
                   chat_rig_do(r, 1, "{'action':'password','old':'" RIGHT "','new':'" OTHER "'}"));
    assert_int_equal(chat_rig_verify(r, answer, &who), ERROR_NONE);
    assert_int_equal(chat_rig_verify(r, first, &who), ERROR_revoked);
    assert_int_equal(chat_rig_verify(r, second, &who), ERROR_revoked);
    chat_rig_has(login(r, "ana", RIGHT), "'bad_login'");
    chat_rig_has(login(r, "ana", OTHER), "'token'");
}

static void a_name_can_be_protected_later(void **state)
{
    struct chat_rig *r = *state;

    r->people.ways.name = true;
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'id':1");
    chat_rig_has(login(r, "ana", RIGHT), "'bad_login'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'password','new':'" RIGHT "'}"), "'token'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'password_needed'");
    chat_rig_has(login(r, "ana", RIGHT), "'token'");
    chat_rig_put(r, "names", "script", "7 script");
    chat_rig_put(r, "u:7", "user", "bscript");
    chat_rig_has(chat_rig_do(r, 7, "{'action':'password','new':'" RIGHT "'}"), "'login_elsewhere'");
}

static const char *recover(struct chat_rig *r, const char *name, char code[static 4096])
{
    char text[256];
    struct chat_rig_call *c;

    (void)snprintf(text, sizeof(text), "{'action':'recover','name':'%s'}", name);
    c = chat_rig_start_super(r, 99, text);
    (void)chat_rig_text(chat_rig_wait(c), "code", code);
    chat_rig_free(c);
    return code;
}

static const char *reset(struct chat_rig *r, const char *code, const char *password)
{
    return chat_rig_do(r, 0, "{'action':'reset','code':'%s','password':'%s'}", code, password);
}

static void a_link_sets_a_password_once(void **state)
{
    struct chat_rig *r = *state;
    struct caller who;
    char code[4096], later[4096], first[4096];

    (void)snprintf(first, sizeof(first), "%s", signup(r, "ana", RIGHT));
    chat_rig_has(chat_rig_do(r, 1, "{'action':'recover','name':'ana'}"), "'forbidden'");
    (void)recover(r, "ANA", code);
    chat_rig_has_not(record(r, 1), code);
    chat_rig_has(login(r, "ana", RIGHT), "'token'"); /* it is good until the link is used */
    chat_rig_has(reset(r, code, "short"), "'bad_password'");
    chat_rig_has(reset(r, "1-00000000000000000000000000000000", OTHER), "'bad_code'");
    chat_rig_has(reset(r, "2-00000000000000000000000000000000", OTHER), "'bad_code'");
    chat_rig_has(reset(r, "nonsense", OTHER), "'bad_code'");
    assert_int_equal(chat_rig_verify(r, reset(r, code, OTHER), &who), ERROR_NONE);
    assert_int_equal(who.user, 1);
    assert_int_equal(chat_rig_verify(r, first, &who), ERROR_revoked);
    chat_rig_has(reset(r, code, RIGHT), "'bad_code'");
    chat_rig_has(login(r, "ana", OTHER), "'token'");
    chat_rig_has(login(r, "ana", RIGHT), "'bad_login'");
    (void)recover(r, "ana", code);
    (void)recover(r, "ana", later); /* the last one counts */
    chat_rig_has(reset(r, code, RIGHT), "'bad_code'");
    chat_rig_rest(r, 86400001);
    chat_rig_has(reset(r, later, RIGHT), "'bad_code'");
}

static void a_link_used_twice_at_once_works_once(void **state)
{
    struct chat_rig *r = *state;
    char code[4096], text[64];

    chat_rig_has(signup(r, "ana", RIGHT), "'token'");
    for (unsigned round = 0; round < 20; round++) {
        struct chat_rig_call *calls[4];
        unsigned won = 0, n = 0;

        (void)recover(r, "ana", code);
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            calls[i] = chat_rig_start(
                r, 0, "{'action':'reset','code':'%s','password':'password %u'}", code, i);
            for (unsigned t = 0; t < round % 7; t++)
                (void)chat_rig_turn(r);
        }
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            if (strstr(chat_rig_wait(calls[i]), "'token'") != NULL) {
                won = i;
                n++;
            } else {
                chat_rig_has(chat_rig_wait(calls[i]), "'bad_code'");
            }
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            chat_rig_free(calls[i]);
        assert_int_equal(n, 1);
        (void)snprintf(text, sizeof(text), "password %u", won);
        chat_rig_has(login(r, "ana", text), "'token'");
    }
}

static void an_older_hash_is_renewed(void **state)
{
    struct chat_rig *r = *state;
    struct hasher *old = r->hasher;
    struct hasher_options dearer = cheap;

    chat_rig_has(signup(r, "ana", RIGHT), "'token'");
    chat_rig_has(record(r, 1), "m=8,t=1");
    r->hasher = NULL;
    dearer.memory = 16384;
    dearer.passes = 2;
    chat_rig_passwords(r, &dearer);
    hasher_stop(old);
    chat_rig_has(login(r, "ana", OTHER), "'bad_login'");
    chat_rig_has(record(r, 1), "m=8,t=1");
    chat_rig_has(login(r, "ana", RIGHT), "'token'");
    chat_rig_has(record(r, 1), "m=16,t=2");
    chat_rig_has(login(r, "ana", RIGHT), "'token'");
    hasher_free(old);
}

static void the_ways_are_told(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_has(chat_rig_do(r, 0, "{'action':'ways'}"), "'login':['password'],'signup':'open'");
    r->people.ways = (struct people_ways){.name = true, .issuer = true, .signup = true};
    chat_rig_has(chat_rig_do(r, 0, "{'action':'ways'}"),
                 "'login':['name','issuer'],'signup':'closed'");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, chat_rig_teardown)

/* A link that lets `uses` people sign up: its code. */
static const char *invite(struct chat_rig *r, unsigned uses, char code[static 4096])
{
    char text[100];
    struct chat_rig_call *c;

    (void)snprintf(text, sizeof(text), "{'action':'invite_create','uses':%u}", uses);
    c = chat_rig_start_super(r, 99, text);
    (void)chat_rig_text(chat_rig_wait(c), "code", code);
    chat_rig_free(c);
    return code;
}

static const char *come(struct chat_rig *r, const char *name, const char *code)
{
    return chat_rig_do(r, 0, "{'action':'signup','name':'%s','password':'%s','invite':'%s'}", name,
                       RIGHT, code);
}

static unsigned used(struct chat_rig *r)
{
    struct chat_rig_call *c = chat_rig_start_super(r, 99, "{'action':'invites'}");
    unsigned n = (unsigned)chat_rig_number(chat_rig_wait(c), "used");

    chat_rig_free(c);
    return n;
}

static void who_is_invited_signs_up(void **state)
{
    struct chat_rig *r = *state;
    char code[4096];

    chat_rig_has(signup(r, "ana", RIGHT), "'id':1"); /* as long as it was open */
    r->people.ways.signup = PEOPLE_SIGNUP_INVITE;
    (void)invite(r, 2, code);
    chat_rig_has(signup(r, "ben", RIGHT), "'code':'invite_needed'");
    chat_rig_has(come(r, "ben", "a guess"), "'code':'no_such_invite'");
    chat_rig_has(come(r, "ben", "a guess"), "'parameter':'invite'");
    assert_int_equal(used(r), 0);
    chat_rig_has(come(r, "Ana", code), "'name_taken'");
    chat_rig_has(come(r, "ben", ""), "'invite_needed'");
    assert_int_equal(used(r), 0);
    chat_rig_has(come(r, "ben", code), "'token'");
    assert_int_equal(used(r), 1);
    chat_rig_has(come(r, "cat", code), "'token'");
    chat_rig_has(come(r, "dan", code), "'no_such_invite'");
    chat_rig_has(login(r, "dan", RIGHT), "'bad_login'");
    chat_rig_has(login(r, "ben", RIGHT), "'token'"); /* without it */
    chat_rig_has(chat_rig_do(r, 0, "{'action':'ways'}"), "'signup':'invite'");
    r->people.ways.signup = PEOPLE_SIGNUP_OPEN;
    chat_rig_has(come(r, "dan", code), "'token'"); /* nobody looks at it */
    assert_int_equal(used(r), 2);
    r->people.ways.signup = PEOPLE_SIGNUP_CLOSED;
    chat_rig_has(come(r, "eve", invite(r, 0, code)), "'signup_closed'");
}

/* An attack: many at once by one use, and two by one name, who have two. */
static void an_invite_used_at_once_lets_one_in(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c[6];
    unsigned in = 0, out = 0;
    char code[4096];

    r->people.ways.signup = PEOPLE_SIGNUP_INVITE;
    (void)invite(r, 1, code);
    for (unsigned i = 0; i < COUNTOF(c); i++)
        c[i] =
            chat_rig_start(r, 0, "{'action':'signup','name':'p %u','password':'%s','invite':'%s'}",
                           20 + 13 * i, RIGHT, code);
    for (unsigned i = 0; i < COUNTOF(c); i++) {
        in += strstr(chat_rig_wait(c[i]), "'token'") != NULL;
        out += strstr(chat_rig_wait(c[i]), "'no_such_invite'") != NULL;
        chat_rig_free(c[i]);
    }
    assert_true(in == 1 && out == COUNTOF(c) - 1);
    assert_int_equal(used(r), 1);
}

/* Whoever is second at a name gives their use back. */
static void a_use_that_let_nobody_in_is_given_back(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c[2];
    unsigned in = 0, out = 0;
    char code[4096];

    r->people.ways.signup = PEOPLE_SIGNUP_INVITE;
    (void)invite(r, 5, code);
    for (unsigned i = 0; i < COUNTOF(c); i++)
        c[i] = chat_rig_start(
            r, 0, "{'action':'signup','name':'ana','password':'%s','invite':'%s'}", RIGHT, code);
    for (unsigned i = 0; i < COUNTOF(c); i++) {
        in += strstr(chat_rig_wait(c[i]), "'token'") != NULL;
        out += strstr(chat_rig_wait(c[i]), "'name_taken'") != NULL;
        chat_rig_free(c[i]);
    }
    assert_true(in == 1 && out == 1);
    assert_int_equal(used(r), 1);
}

/* By a name alone nobody new comes in where not everybody may; scripts are the owner's. */
static void a_new_name_alone_needs_more_where_not_all_may_come(void **state)
{
    static const struct {
        enum people_signup signup;
        const char *code;
    } each[] = {{PEOPLE_SIGNUP_INVITE, "'invite_needed'"},
                {PEOPLE_SIGNUP_CLOSED, "'signup_closed'"}};
    struct chat_rig *r = *state;
    struct chat_rig_call *c;

    r->people.ways.name = true;
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'id':1");
    chat_rig_put(r, "names", "left", "77 left"); /* by a crash before there was a record */
    for (unsigned i = 0; i < COUNTOF(each); i++) {
        r->people.ways.signup = each[i].signup;
        chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ben'}"), each[i].code);
        chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'left'}"), each[i].code);
        chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'id':1");
        assert_string_equal(chat_rig_record(r, "names", "ben"), "-");
    }
    c = chat_rig_start_super(r, 1, "{'action':'token','name':'cron'}");
    chat_rig_has(chat_rig_wait(c), "'token'");
    chat_rig_free(c);
    chat_rig_put(r, "server", "owner-code", CODE);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'boss','owner':'%s'}", CODE),
                 "'owner':true");
}

CHECK_MAIN(EACH(who_is_invited_signs_up), EACH(an_invite_used_at_once_lets_one_in),
           EACH(a_use_that_let_nobody_in_is_given_back),
           EACH(a_new_name_alone_needs_more_where_not_all_may_come),
           EACH(a_password_opens_one_name), EACH(what_signup_refuses),
           EACH(nobody_learns_which_names_there_are), EACH(guesses_hold_up_strangers_alone),
           EACH(guesses_are_told), EACH(a_full_queue_says_so), EACH(a_name_is_taken_once),
           EACH(two_by_the_same_link_are_the_owner), EACH(the_first_owner_signs_up),
           EACH(an_owners_name_is_protected_by_the_owner), EACH(another_password_ends_all_sessions),
           EACH(a_name_can_be_protected_later), EACH(a_link_sets_a_password_once),
           EACH(a_link_used_twice_at_once_works_once), EACH(an_older_hash_is_renewed),
           EACH(the_ways_are_told))
