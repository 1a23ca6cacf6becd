/* People with passkeys: sign-up, login, several, removal, and what is refused; over the store in
 * memory. */
#include "chat/people/people_passkey.h"

#include "base/str.h"
#include "chat/people/passkey.h"
#include "chat/people/passkey_challenge.h"
#include "lib/chat_rig.h"
#include "lib/passkey_rig.h"

#include <stdio.h>

#define ORIGIN "https://chat.example.org"
#define RP "chat.example.org"
#define RIGHT "correct horse"
#define CODE "0123456789abcdef01234567"

static const struct hasher_options cheap = {
    .memory = 8192, .passes = 1, .threads = 1, .queue_max = 8};

static bool is_ours(void *ctx, struct str origin)
{
    (void)ctx;
    return str_eq(origin, STR(ORIGIN)) || str_eq(origin, STR("https://www.example.org")) ||
           str_eq(origin, STR("http://localhost:8080")) ||
           str_eq(origin, STR("https://10.1.2.3")) ||
           str_eq(origin, STR("http://plain.example.org"));
}

static int set_up(void **state)
{
    int r = chat_rig_setup(state);
    struct chat_rig *rig = *state;

    if (r != 0)
        return r;
    chat_rig_passwords(rig, &cheap);
    rig->people.ways.passkeys = (struct people_passkeys){.guard = rig->hasher, .is_ours = is_ours};
    return 0;
}

/* A challenge, and whose handle it is for. */
static const char *begin(struct chat_rig *r, struct passkey_rig *key, uint64_t user,
                         const char *name)
{
    static char challenge[4096];
    char handle[4096];
    const char *answer = user != 0 ? chat_rig_do(r, user, "{'action':'passkey_new'}")
                         : name[0] != '\0'
                             ? chat_rig_do(r, 0, "{'action':'passkey_begin','name':'%s'}", name)
                             : chat_rig_do(r, 0, "{'action':'passkey_begin'}");

    if (user != 0 || name[0] != '\0')
        (void)snprintf(key->handle, sizeof(key->handle), "%.60s",
                       chat_rig_text(answer, "handle", handle));
    return chat_rig_text(answer, "challenge", challenge);
}

static const char *say_signup(struct chat_rig *r, const struct passkey_rig *key, const char *name)
{
    return chat_rig_do(r, 0,
                       "{'action':'passkey_signup','name':'%s','client_data':'%s',"
                       "'attestation':'%s','title':'a phone'}",
                       name, key->client, key->attestation);
}

static const char *sign_up(struct chat_rig *r, struct passkey_rig *key, const char *name)
{
    passkey_rig_make(key, begin(r, key, 0, name));
    return say_signup(r, key, name);
}

static const char *say_login(struct chat_rig *r, const struct passkey_rig *key)
{
    return chat_rig_do(r, 0,
                       "{'action':'passkey_login','credential':'%s','handle':'%s',"
                       "'client_data':'%s','authenticator':'%s','signature':'%s'}",
                       key->id_text, key->handle, key->client, key->data, key->signature);
}

static const char *log_in(struct chat_rig *r, struct passkey_rig *key)
{
    passkey_rig_prove(key, begin(r, key, 0, ""));
    return say_login(r, key);
}

static const char *say_add(struct chat_rig *r, const struct passkey_rig *key, uint64_t user)
{
    return chat_rig_do(r, user, "{'action':'passkey_add','client_data':'%s','attestation':'%s'}",
                       key->client, key->attestation);
}

static const char *add(struct chat_rig *r, struct passkey_rig *key, uint64_t user)
{
    passkey_rig_make(key, begin(r, key, user, ""));
    return say_add(r, key, user);
}

static const char *list(struct chat_rig *r, uint64_t user)
{
    return chat_rig_do(r, user, "{'action':'passkeys'}");
}

static void a_person_needs_no_password(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;
    struct caller who;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    chat_rig_has(sign_up(r, &key, "Ana"), "'user':{'id':1,'name':'Ana'}");
    assert_string_equal(chat_rig_record(r, "u:1", "password"), "-");
    chat_rig_has(chat_rig_record(r, "u:1", "passkeys"), " chat.example.org ");
    assert_int_equal(chat_rig_verify(r, log_in(r, &key), &who), ERROR_NONE);
    assert_true(who.user == 1 && !who.super);
    chat_rig_has(list(r, 1), "'title':'a phone','domain':'chat.example.org','synced':false");
    chat_rig_has(list(r, 1), "'used':");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana','password':'" RIGHT "'}"),
                 "'bad_login'");
    passkey_rig_fini(&key);
}

static void what_signup_refuses(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key, other;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    passkey_rig_init(&other, ORIGIN, RP, 2);
    chat_rig_has(sign_up(r, &key, "Iris"), "'id':1");
    chat_rig_has(say_signup(r, &key, "Iris"), "'code':'name_taken'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'passkey_begin','name':'IRIS'}"), "'name_taken'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'passkey_begin','name':'a@b'}"), "'bad_name'");
    chat_rig_has(sign_up(r, &other, "lris"), "'name_alike'");
    assert_string_equal(chat_rig_record(r, "u:2", "passkeys"), "-");
    assert_string_equal(chat_rig_record(r, "u:2", "user"), "-");
    passkey_rig_make(&other, begin(r, &other, 0, "bob"));
    chat_rig_has(say_signup(r, &other, "bobby"), "'passkey_stale'");
    chat_rig_has(say_signup(r, &other, "bob"), "'id':3");
    passkey_rig_prove(&other, begin(r, &other, 0, "eve")); /* proven, not made */
    chat_rig_has(say_signup(r, &other, "eve"), "'parameter':'client_data'");
    r->people.ways.signup = PEOPLE_SIGNUP_CLOSED;
    chat_rig_has(chat_rig_do(r, 0, "{'action':'passkey_begin','name':'eve'}"), "'signup_closed'");
    r->people.ways.passkeys.guard = NULL;
    chat_rig_has(chat_rig_do(r, 0, "{'action':'passkey_begin'}"), "'way_closed'");
    passkey_rig_prove(&key, "AQ");
    chat_rig_has(say_login(r, &key), "'way_closed'");
    passkey_rig_fini(&key);
    passkey_rig_fini(&other);
}

/* A sign-up that did not get its name leaves, after a crash, a passkey that opens nothing. */
static void without_its_name_a_passkey_opens_nothing(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    chat_rig_has(log_in(r, &key), "'token'");
    chat_rig_put(r, "names", "ana", "2 ana");
    chat_rig_has(log_in(r, &key), "'bad_passkey'");
    chat_rig_put(r, "names", "ana", "1 ana");
    chat_rig_has(log_in(r, &key), "'token'");
    passkey_rig_fini(&key);
}

/* Each thing that is not as it was asked for. */
static void what_is_said_otherwise_is_refused(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key, thief;
    char handle[64];

    passkey_rig_init(&key, ORIGIN, RP, 1);
    passkey_rig_init(&thief, ORIGIN, RP, 1); /* the same id, another key */
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    memcpy(thief.handle, key.handle, sizeof(thief.handle));
    thief.count = 100;
    key.origin = "https://evil.example.org";
    chat_rig_has(log_in(r, &key), "'code':'bad_origin'");
    key.origin = "https://www.example.org"; /* ours, and of another domain */
    chat_rig_has(log_in(r, &key), "'code':'bad_passkey'");
    key.rp = "www.example.org"; /* where it was not made */
    r->place = 5;
    chat_rig_has(log_in(r, &key), "'code':'bad_passkey'");
    r->place = 0;
    key.rp = RP;
    key.origin = "https://10.1.2.3";
    chat_rig_has(log_in(r, &key), "'code':'passkey_domain'");
    key.origin = "http://plain.example.org";
    chat_rig_has(log_in(r, &key), "'code':'passkey_domain'");
    key.origin = "android:apk-key-hash:x";
    chat_rig_has(log_in(r, &key), "'code':'passkey_domain'");
    key.origin = ORIGIN;
    key.rp = "example.org";
    chat_rig_has(log_in(r, &key), "'code':'bad_passkey'");
    key.rp = RP;
    key.type = "webauthn.create";
    chat_rig_has(log_in(r, &key), "'parameter':'client_data'");
    key.type = NULL;
    r->place = 7;
    chat_rig_has(log_in(r, &thief), "'code':'bad_passkey'");
    r->place = 0;
    passkey_rig_prove(&key, begin(r, &key, 1, "")); /* of another purpose */
    chat_rig_has(say_login(r, &key), "'code':'passkey_stale'");
    passkey_rig_prove(&key, begin(r, &thief, 0, "bob"));
    chat_rig_has(say_login(r, &key), "'code':'passkey_stale'");
    passkey_rig_prove(&key, "AQEBAQ"); /* of nobody */
    chat_rig_has(say_login(r, &key), "'code':'passkey_stale'");
    passkey_rig_prove(&key, begin(r, &key, 0, "")); /* too late */
    chat_rig_rest(r, PASSKEY_CHALLENGE_MS + 1);
    chat_rig_has(say_login(r, &key), "'code':'passkey_stale'");
    memcpy(handle, key.handle, sizeof(handle));
    key.handle[20] = key.handle[20] == 'A' ? 'B' : 'A'; /* the salt is not theirs */
    chat_rig_has(log_in(r, &key), "'code':'bad_passkey'");
    (void)snprintf(key.handle, sizeof(key.handle), "AQ");
    chat_rig_has(log_in(r, &key), "'code':'bad_passkey'");
    memcpy(key.handle, handle, sizeof(handle));
    passkey_rig_prove(&key, begin(r, &key, 0, ""));
    key.signature[10] = key.signature[10] == 'A' ? 'B' : 'A';
    chat_rig_has(say_login(r, &key), "'code':'bad_passkey'");
    chat_rig_rest(r, 3600000); /* wrong ones are forgotten */
    chat_rig_has(log_in(r, &key), "'token'");
    passkey_rig_fini(&key);
    passkey_rig_fini(&thief);
}

static void what_was_said_is_not_said_again(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    key.silent = true; /* the counter would refuse it, too */
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    for (unsigned i = 0; i < 3; i++) {
        chat_rig_has(log_in(r, &key), "'token'");
        chat_rig_has(say_login(r, &key), "'code':'passkey_stale'");
    }
    chat_rig_restart(r); /* as another node would: nothing is in memory */
    r->people.ways = (struct people_ways){.passkeys = {.guard = r->hasher, .is_ours = is_ours},
                                          .signup = PEOPLE_SIGNUP_OPEN};
    chat_rig_has(say_login(r, &key), "'code':'passkey_stale'");
    chat_rig_has(log_in(r, &key), "'token'");
    passkey_rig_fini(&key);
}

/* Of several that say the same at once, one comes in. */
static void what_is_said_at_once_is_said_once(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    key.silent = true;
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    for (unsigned round = 0; round < 10; round++) {
        struct chat_rig_call *calls[3];
        unsigned in = 0;

        passkey_rig_prove(&key, begin(r, &key, 0, ""));
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            calls[i] = chat_rig_start(
                r, 0,
                "{'action':'passkey_login','credential':'%s','handle':'%s','client_data':'%s',"
                "'authenticator':'%s','signature':'%s'}",
                key.id_text, key.handle, key.client, key.data, key.signature);
            for (unsigned t = 0; t < round; t++)
                (void)chat_rig_turn(r);
        }
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            in += strstr(chat_rig_wait(calls[i]), "'token'") != NULL ? 1 : 0;
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            chat_rig_free(calls[i]);
        assert_int_equal(in, 1);
    }
    chat_rig_has(log_in(r, &key), "'token'");
    passkey_rig_fini(&key);
}

/* Logins at once of one person, each by a challenge of its own, all come in. */
static void logins_at_once_all_come_in(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;
    struct chat_rig_call *calls[4];

    passkey_rig_init(&key, ORIGIN, RP, 1);
    key.silent = true;
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    for (unsigned i = 0; i < COUNTOF(calls); i++) {
        passkey_rig_prove(&key, begin(r, &key, 0, ""));
        calls[i] = chat_rig_start(
            r, 0,
            "{'action':'passkey_login','credential':'%s','handle':'%s','client_data':'%s',"
            "'authenticator':'%s','signature':'%s'}",
            key.id_text, key.handle, key.client, key.data, key.signature);
    }
    for (unsigned i = 0; i < COUNTOF(calls); i++) {
        chat_rig_has(chat_rig_wait(calls[i]), "'token'");
        chat_rig_free(calls[i]);
    }
    passkey_rig_fini(&key);
}

static void a_counter_that_goes_backwards_is_refused(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    key.count = 10;
    chat_rig_has(log_in(r, &key), "'token'");
    key.count = 10; /* 11 was said */
    chat_rig_has(log_in(r, &key), "'code':'passkey_copied'");
    key.count = 3;
    chat_rig_has(log_in(r, &key), "'code':'passkey_copied'");
    key.count = 0;
    key.silent = true;
    chat_rig_has(log_in(r, &key), "'code':'passkey_copied'");
    key.count = 12;
    chat_rig_has(log_in(r, &key), "'token'");
    passkey_rig_fini(&key);
}

/* A place alone has to wait, for its own wrong ones. */
static void wrong_ones_are_counted(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key, wrong;
    unsigned refused = 0;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    passkey_rig_init(&wrong, ORIGIN, RP, 1);
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    memcpy(wrong.handle, key.handle, sizeof(wrong.handle));
    wrong.count = 50;
    r->place = 11;
    for (unsigned i = 0; i < 20; i++)
        refused += strstr(log_in(r, &wrong), "'bad_passkey'") != NULL ? 1 : 0;
    assert_int_equal(refused, 5);
    chat_rig_has(log_in(r, &key), "'rate_limited'");
    chat_rig_has(log_in(r, &key), "'retry_after_ms':");
    r->place = 12;
    chat_rig_has(log_in(r, &key), "'token'");
    chat_rig_rest(r, 60000);
    r->place = 11;
    chat_rig_has(log_in(r, &key), "'token'");
    chat_rig_has(log_in(r, &wrong), "'bad_passkey'");
    passkey_rig_fini(&key);
    passkey_rig_fini(&wrong);
}

static void a_person_has_several(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig keys[PASSKEYS_MAX + 1];
    struct caller who;
    char first[4096], answer[4096], text[128];
    uint64_t id;

    for (unsigned i = 0; i < COUNTOF(keys); i++)
        passkey_rig_init(&keys[i], ORIGIN, RP, (uint8_t)(1 + i * 8));
    (void)snprintf(first, sizeof(first), "%s", sign_up(r, &keys[0], "ana"));
    assert_int_equal(chat_rig_verify(r, first, &who), ERROR_NONE);
    (void)snprintf(answer, sizeof(answer), "%s", add(r, &keys[1], 1));
    assert_int_equal(chat_rig_verify(r, first, &who), ERROR_revoked); /* rights have changed */
    assert_int_equal(chat_rig_verify(r, answer, &who), ERROR_NONE);
    id = chat_rig_number(answer, "passkey");
    assert_string_equal(keys[0].handle, keys[1].handle);
    chat_rig_has(say_add(r, &keys[1], 1), "'passkey_there'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'passkey_new'}"), keys[0].id_text);
    chat_rig_has(log_in(r, &keys[0]), "'token'");
    chat_rig_has(log_in(r, &keys[1]), "'token'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'passkey_rename','passkey':%llu,'title':'a key'}",
                             (unsigned long long)id),
                 "'id':");
    chat_rig_has(list(r, 1), "'title':'a key'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'passkey_rename','passkey':5,'title':'a key'}"),
                 "'no_such_passkey'");
    for (unsigned i = 2; i < PASSKEYS_MAX; i++)
        chat_rig_has(add(r, &keys[i], 1), "'token'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'passkey_new'}"), "'too_many_passkeys'");
    (void)snprintf(text, sizeof(text), "{'action':'passkey_remove','passkey':%llu}",
                   (unsigned long long)id);
    (void)snprintf(first, sizeof(first), "%s", log_in(r, &keys[0]));
    chat_rig_has(chat_rig_do(r, 1, "%s", text), "'token'");
    assert_int_equal(chat_rig_verify(r, first, &who), ERROR_revoked);
    chat_rig_has(chat_rig_do(r, 1, "%s", text), "'no_such_passkey'");
    chat_rig_has(log_in(r, &keys[1]), "'bad_passkey'");
    chat_rig_has(log_in(r, &keys[0]), "'token'");
    for (unsigned i = 0; i < COUNTOF(keys); i++)
        passkey_rig_fini(&keys[i]);
}

/* Who has begun for one session or person does not end for another. */
static void what_was_begun_is_of_that_session(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig ana, bob;

    passkey_rig_init(&ana, ORIGIN, RP, 1);
    passkey_rig_init(&bob, ORIGIN, RP, 2);
    chat_rig_has(sign_up(r, &ana, "ana"), "'id':1");
    chat_rig_has(sign_up(r, &bob, "bob"), "'id':2");
    bob.id[0] = 99;
    passkey_rig_make(&bob, begin(r, &bob, 2, ""));
    chat_rig_has(say_add(r, &bob, 1), "'passkey_stale'");
    chat_rig_has(say_add(r, &bob, 2), "'token'");
    bob.id[0] = 98;
    passkey_rig_make(&bob, begin(r, &bob, 0, "")); /* to log in */
    chat_rig_has(say_add(r, &bob, 2), "'passkey_stale'");
    passkey_rig_make(&bob, begin(r, &bob, 2, ""));
    bob.attestation[40] = bob.attestation[40] == 'A' ? 'B' : 'A';
    chat_rig_has(say_add(r, &bob, 2), "'bad_passkey'");
    passkey_rig_fini(&ana);
    passkey_rig_fini(&bob);
}

static uint64_t id_of(const char *answer)
{
    return chat_rig_number(strstr(answer, "'passkeys':"), "id");
}

static void the_last_way_stays(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;
    uint64_t id;

    passkey_rig_init(&key, ORIGIN, RP, 1);
    chat_rig_has(sign_up(r, &key, "ana"), "'id':1");
    id = id_of(list(r, 1));
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'passkey_remove','passkey':%llu}", (unsigned long long)id),
        "'last_way'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'password','new':'" RIGHT "'}"), "'token'");
    r->people.ways.hasher = NULL; /* a password by which nobody logs in is no way */
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'passkey_remove','passkey':%llu}", (unsigned long long)id),
        "'last_way'");
    r->people.ways.hasher = r->hasher;
    chat_rig_has(
        chat_rig_do(r, 1, "{'action':'passkey_remove','passkey':%llu}", (unsigned long long)id),
        "'token'");
    chat_rig_has(log_in(r, &key), "'bad_passkey'");
    chat_rig_has(add(r, &key, 1), "'token'");
    chat_rig_has(log_in(r, &key), "'token'");
    passkey_rig_fini(&key);
}

/* Of two that remove the last two at once, one does. */
static void two_do_not_remove_the_last_two(void **state)
{
    struct chat_rig *r = *state;

    for (unsigned round = 0; round < 8; round++) {
        struct passkey_rig keys[2];
        struct chat_rig_call *calls[2];
        uint64_t ids[2], user = 1 + round;
        unsigned removed = 0;
        char name[16];

        (void)snprintf(name, sizeof(name), "ana%u", round);
        passkey_rig_init(&keys[0], ORIGIN, RP, 1);
        passkey_rig_init(&keys[1], ORIGIN, RP, 2);
        chat_rig_has(sign_up(r, &keys[0], name), "'token'");
        ids[0] = id_of(list(r, user));
        ids[1] = chat_rig_number(add(r, &keys[1], user), "passkey");
        for (unsigned i = 0; i < 2; i++) {
            calls[i] = chat_rig_start(r, user, "{'action':'passkey_remove','passkey':%llu}",
                                      (unsigned long long)ids[i]);
            for (unsigned t = 0; t < round; t++)
                (void)chat_rig_turn(r);
        }
        for (unsigned i = 0; i < 2; i++)
            removed += strstr(chat_rig_wait(calls[i]), "'token'") != NULL ? 1 : 0;
        for (unsigned i = 0; i < 2; i++)
            chat_rig_free(calls[i]);
        assert_int_equal(removed, 1);
        passkey_rig_fini(&keys[0]);
        passkey_rig_fini(&keys[1]);
    }
}

static void a_name_is_protected_by_a_passkey(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;

    r->people.ways.name = true;
    passkey_rig_init(&key, ORIGIN, RP, 1);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'id':1");
    chat_rig_has(add(r, &key, 1), "'token'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'passkey_needed'");
    chat_rig_has(log_in(r, &key), "'id':1");
    chat_rig_put(r, "names", "script", "7 script");
    chat_rig_put(r, "u:7", "user", "bscript");
    chat_rig_has(chat_rig_do(r, 7, "{'action':'passkey_new'}"), "'login_elsewhere'");
    chat_rig_put(r, "names", "boss", "8 boss");
    chat_rig_put(r, "u:8", "user", "oboss");
    chat_rig_has(chat_rig_do(r, 8, "{'action':'passkey_new'}"), "'forbidden'");
    passkey_rig_fini(&key);
}

static void the_first_owner_signs_up(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;
    struct caller who;
    char challenge[4096], answer[4096], handle[4096];

    r->people.ways.signup = PEOPLE_SIGNUP_CLOSED;
    passkey_rig_init(&key, ORIGIN, RP, 1);
    chat_rig_put(r, "server", "owner-code", CODE);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'passkey_begin','name':'ana','owner':'wrong'}"),
                 "'parameter':'owner'");
    (void)snprintf(answer, sizeof(answer), "%s",
                   chat_rig_do(r, 0, "{'action':'passkey_begin','name':'ana','owner':'" CODE "'}"));
    (void)chat_rig_text(answer, "challenge", challenge);
    (void)chat_rig_text(answer, "handle", handle);
    passkey_rig_make(&key, challenge);
    chat_rig_has(say_signup(r, &key, "ana"), "'signup_closed'");
    (void)snprintf(answer, sizeof(answer), "%s",
                   chat_rig_do(r, 0,
                               "{'action':'passkey_signup','name':'ana','client_data':'%s',"
                               "'attestation':'%s','owner':'" CODE "'}",
                               key.client, key.attestation));
    chat_rig_has(answer, "'owner':true");
    assert_string_equal(chat_rig_record(r, "server", "owner-code"), "used");
    /* with the passkey the rights come again */
    assert_int_equal(chat_rig_verify(r, answer, &who), ERROR_NONE);
    (void)snprintf(key.handle, sizeof(key.handle), "%.60s", handle);
    assert_int_equal(chat_rig_verify(r, log_in(r, &key), &who), ERROR_NONE);
    assert_true(who.super);
    /* a session of theirs without the rights gets none by them */
    chat_rig_has(chat_rig_do(r, who.user, "{'action':'passkey_remove','passkey':%llu}",
                             (unsigned long long)id_of(list(r, who.user))),
                 "'forbidden'");
    passkey_rig_fini(&key);
}

static void the_ways_are_told(void **state)
{
    struct chat_rig *r = *state;
    struct passkey_rig key;

    chat_rig_has(chat_rig_do(r, 0, "{'action':'ways'}"),
                 "'login':['password','passkey'],'signup':'open'");
    chat_rig_has_not(chat_rig_do(r, 0, "{'action':'ways'}"), "passkey_rp");
    r->people.ways.hasher = NULL;
    r->people.ways.passkeys.rp = STR("example.org");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'ways'}"),
                 "'login':['passkey'],'signup':'open','passkey_rp':'example.org'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'passkey_begin'}"), "'rp':'example.org'");
    /* Of the domain, wherever below it the page is. */
    passkey_rig_init(&key, ORIGIN, "example.org", 1);
    chat_rig_has(sign_up(r, &key, "ana"), "'token'");
    key.origin = "https://www.example.org";
    chat_rig_has(log_in(r, &key), "'token'");
    key.origin = "http://localhost:8080";
    chat_rig_has(log_in(r, &key), "'passkey_domain'");
    /* A server without pages of its own knows the domain, or nothing. */
    r->people.ways.passkeys.is_ours = NULL;
    key.origin = "https://other.example.org";
    chat_rig_has(log_in(r, &key), "'token'");
    key.origin = "https://notexample.org";
    chat_rig_has(log_in(r, &key), "'passkey_domain'");
    r->people.ways.passkeys.rp = (struct str){0};
    chat_rig_has(chat_rig_do(r, 0, "{'action':'ways'}"), "'login':[],'signup':'closed'");
    passkey_rig_fini(&key);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, chat_rig_teardown)

CHECK_MAIN(EACH(a_person_needs_no_password), EACH(what_signup_refuses),
           EACH(without_its_name_a_passkey_opens_nothing), EACH(what_is_said_otherwise_is_refused),
           EACH(what_was_said_is_not_said_again), EACH(what_is_said_at_once_is_said_once),
           EACH(logins_at_once_all_come_in), EACH(a_counter_that_goes_backwards_is_refused),
           EACH(wrong_ones_are_counted), EACH(a_person_has_several),
           EACH(what_was_begun_is_of_that_session), EACH(the_last_way_stays),
           EACH(two_do_not_remove_the_last_two), EACH(a_name_is_protected_by_a_passkey),
           EACH(the_first_owner_signs_up), EACH(the_ways_are_told))
