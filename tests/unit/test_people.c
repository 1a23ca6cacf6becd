#include "chat/people/people.h"

#include "base/str.h"
#include "lib/chat_rig.h"
#include "wire/jwt.h"

#include <stdio.h>

static struct identity_stranger stranger; /* there is no issuer */

static void turns(struct chat_rig *r, int n)
{
    while (n-- > 0 && chat_rig_turn(r)) {
    }
}

/* Who the token in an answer speaks for. */
static enum error_code verify(struct chat_rig *r, const char *answer, struct caller *ret_who)
{
    static uint8_t scratch[PEOPLE_SCRATCH];
    const char *token = strstr(answer, "'token':'");
    struct str rest;

    assert_non_null(token);
    rest = str_of(token + 9);
    return people_verify(&r->people, str_cut(&rest, '\''), scratch, ret_who, &stranger);
}

static uint64_t user_of(const char *answer)
{
    const char *user = strstr(answer, "'user':");

    assert_non_null(user);
    return chat_rig_number(user, "id");
}

static void a_name_is_one_user(void **state)
{
    struct chat_rig *r = *state;
    struct caller who;
    const char *answer = chat_rig_do(r, 0, "{'action':'login','name':' Ana '}");

    chat_rig_has(answer, "'user':{'id':1,'name':'Ana'}");
    assert_int_equal(verify(r, answer, &who), ERROR_NONE);
    assert_int_equal(who.user, 1);
    assert_true(str_eq(who.name, STR("Ana")) && !who.super);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ANA'}"), "{'id':1,'name':'Ana'}");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'Bo'}"), "{'id':2,'name':'Bo'}");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'a@b'}"), "'bad_name'");
    chat_rig_restart(r);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'bo'}"), "{'id':2,'name':'Bo'}");
}

/* Many logins under a new name at once, at every interleaving of the store: one
 * user, and the same for all. */
static void a_new_name_at_once_is_one_user(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[8];
    char name[32];

    for (unsigned round = 0; round < 20; round++) {
        uint64_t id = 0;

        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            calls[i] =
                chat_rig_start(r, 0, "{'action':'login','name':'%s%u'}", i % 2 ? "X" : "x", round);
            turns(r, (int)(round % 5));
        }
        for (unsigned i = 0; i < COUNTOF(calls); i++) {
            const char *answer = chat_rig_wait(calls[i]);
            struct caller who;

            if (id == 0)
                id = user_of(answer);
            assert_int_equal(user_of(answer), id);
            assert_int_equal(verify(r, answer, &who), ERROR_NONE);
            assert_int_equal(who.user, id);
        }
        for (unsigned i = 0; i < COUNTOF(calls); i++)
            chat_rig_free(calls[i]);
        (void)snprintf(name, sizeof(name), "x%u", round);
        assert_int_equal(strtoull(chat_rig_record(r, "names", name), NULL, 10), id);
        (void)snprintf(name, sizeof(name), "u:%llu", (unsigned long long)id);
        assert_int_equal(chat_rig_record(r, name, "user")[0], 'u');
    }
}

/* A process that ended between the name and the user's record. */
static void half_a_user_is_made_whole(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "names", "ana", "7 Ana");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'aNa'}"), "{'id':7,'name':'Ana'}");
    assert_string_equal(chat_rig_record(r, "u:7", "user"), "uAna");
}

#define CODE "0123456789abcdef01234567"
#define FRESH "fedcba9876543210fedcba98"

static void the_owners_code_works_once(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *calls[6];
    uint64_t owner = 0;

    chat_rig_put(r, "server", "owner-code", CODE);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'eve','owner':'x'}"), "'bad_value'");
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        calls[i] =
            chat_rig_start(r, 0, "{'action':'login','name':'p%u','owner':'" CODE "'}", i / 2);
    for (unsigned i = 0; i < COUNTOF(calls); i++) {
        const char *answer = chat_rig_wait(calls[i]);

        if (strstr(answer, "'owner':true") == NULL)
            continue;
        assert_true(owner == 0 || user_of(answer) == owner);
        owner = user_of(answer);
    }
    assert_int_not_equal(owner, 0);
    assert_string_equal(chat_rig_record(r, "server", "owner-code"), "used");
    for (unsigned i = 0; i < COUNTOF(calls); i++)
        chat_rig_free(calls[i]);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'eve','owner':'" CODE "'}"),
                 "'parameter':'owner'");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'eve','owner':'used'}"),
                 "'bad_value'");
}

/* A plain login of the same new name, at the same time, takes nothing away. */
static void the_owner_stays_the_owner(void **state)
{
    struct chat_rig *r = *state;

    chat_rig_put(r, "server", "owner-code", CODE);
    for (int wait = 0; wait < 40; wait++) {
        char pk[32];
        struct chat_rig_call *plain, *owner;
        uint64_t id;

        chat_rig_put(r, "server", "owner-code", CODE);
        plain = chat_rig_start(r, 0, "{'action':'login','name':'n%d'}", wait);
        turns(r, wait);
        owner = chat_rig_start(r, 0, "{'action':'login','name':'n%d','owner':'" CODE "'}", wait);
        id = user_of(chat_rig_wait(owner));
        chat_rig_has(chat_rig_wait(owner), "'owner':true");
        chat_rig_free(owner);
        chat_rig_free(plain);
        (void)snprintf(pk, sizeof(pk), "u:%llu", (unsigned long long)id);
        assert_int_equal(chat_rig_record(r, pk, "user")[0], 'o');
    }
}

static void let_next_put(struct chat_rig *r, unsigned i)
{
    while (r->gate->held_n <= i)
        assert_true(chat_rig_turn(r));
    store_gate_let(r->gate, i);
}

/* Nor does one that is late with its record. */
static void a_late_record_takes_nothing_away(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *plain, *owner;

    chat_rig_put(r, "server", "owner-code", CODE);
    r->gate->closed[STORE_PUT] = true;
    plain = chat_rig_start(r, 0, "{'action':'login','name':'ana'}");
    for (int i = 0; i < 3; i++)
        let_next_put(r, 0); /* the name, its look, the name */
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r)); /* the user's record waits */
    owner = chat_rig_start(r, 0, "{'action':'login','name':'ana','owner':'" CODE "'}");
    for (int i = 0; i < 7; i++)
        let_next_put(r, 1); /* name, look, name, code, record, session, code */
    chat_rig_has(chat_rig_wait(owner), "'owner':true");
    store_gate_open(r->gate);
    chat_rig_has(chat_rig_wait(plain), "'id':1,'name':'ana'}");
    assert_string_equal(chat_rig_record(r, "u:1", "user"), "oana");
    chat_rig_free(owner);
    chat_rig_free(plain);
}

/* Whatever the store fails at, the same person comes again with the same code, and
 * nobody else does. */
static void a_login_that_fails_uses_no_code_up(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;
    struct caller who;
    unsigned puts = 0;

    for (unsigned fails = 0; puts + 1 >= fails; fails++) {
        chat_rig_put(r, "server", "owner-code", CODE);
        r->gate->closed[STORE_PUT] = true;
        c = chat_rig_start(r, 0, "{'action':'login','name':'n%u','owner':'" CODE "'}", fails);
        for (puts = 0; puts < fails; puts++) {
            while (r->gate->held_n == 0 && !c->ended)
                assert_true(chat_rig_turn(r));
            if (c->ended)
                break;
            if (puts + 1 < fails)
                store_gate_let(r->gate, 0);
            else
                store_gate_fail(r->gate, 0, STORE_FAILED);
        }
        store_gate_open(r->gate);
        (void)chat_rig_wait(c);
        chat_rig_free(c);
        chat_rig_restart(r);
        c = chat_rig_start(r, 0, "{'action':'login','name':'n%u','owner':'" CODE "'}", fails);
        assert_int_equal(verify(r, chat_rig_wait(c), &who), ERROR_NONE);
        assert_int_equal(who.super, fails > 0 && puts == fails);
        chat_rig_free(c);
        chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'eve','owner':'" CODE "'}"),
                     "'bad_value'");
    }
    assert_in_range(puts, 5, 9); /* name, code, record, session, code at least */
}

/* Who only knows the owner's name has not the owner's rights. */
static void rights_are_not_had_for_a_name(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;
    struct caller who;

    chat_rig_put(r, "server", "owner-code", CODE);
    c = chat_rig_start(r, 0, "{'action':'login','name':'ana','owner':'" CODE "'}");
    assert_int_equal(verify(r, chat_rig_wait(c), &who), ERROR_NONE);
    assert_true(who.super);
    chat_rig_free(c);
    c = chat_rig_start(r, 0, "{'action':'login','name':'ana'}");
    assert_int_equal(verify(r, chat_rig_wait(c), &who), ERROR_NONE);
    assert_false(who.super);
    chat_rig_has_not(chat_rig_wait(c), "owner");
    chat_rig_free(c);
    chat_rig_put(r, "server", "owner-code", FRESH); /* `polylog owner` */
    c = chat_rig_start(r, 0, "{'action':'login','name':'ana','owner':'" FRESH "'}");
    assert_int_equal(verify(r, chat_rig_wait(c), &who), ERROR_NONE);
    assert_true(who.super);
    chat_rig_free(c);
    assert_string_equal(chat_rig_record(r, "u:1", "user"), "oana");
}

static void ended(struct call *call)
{
    *(bool *)call->router = true;
}

static enum error_code find(struct chat_rig *r, const struct caller *who)
{
    struct call call;
    bool is_over = false;
    enum error_code e;

    call_init(&call, 4096);
    call.done = ended;
    call.router = &is_over;
    people_session_find(&r->people, &call, who);
    while (!is_over)
        assert_true(chat_rig_turn(r));
    e = call.error;
    if (e == ERROR_NONE)
        assert_true(call.who.user == who->user && str_eq(call.who.name, who->name));
    call_fini(&call);
    return e;
}

/* A token of another start is good if the store has its session, which is read once. */
static void another_starts_session_is_looked_up(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;
    struct caller who;
    char name[] = "ana";

    r->keys.run = STR("one");
    c = chat_rig_start(r, 0, "{'action':'login','name':'ana'}");
    assert_int_equal(verify(r, chat_rig_wait(c), &who), ERROR_NONE);
    assert_false(stranger.own);
    r->keys.run = STR("two");
    assert_int_equal(verify(r, chat_rig_wait(c), &who), ERROR_NONE);
    assert_true(stranger.own);
    who.name = str_of(name);
    assert_int_equal(find(r, &who), ERROR_NONE);
    assert_int_equal(verify(r, chat_rig_wait(c), &who), ERROR_NONE);
    assert_false(stranger.own);
    who.name = str_of(name);
    who.user++;
    assert_int_equal(find(r, &who), ERROR_revoked);
    who.user--;
    who.session++;
    assert_int_equal(find(r, &who), ERROR_revoked);
    chat_rig_free(c);
}

static uint64_t user_at(struct chat_rig *r, const char *name)
{
    return user_of(chat_rig_do(r, 0, "{'action':'login','name':'%s'}", name));
}

/* The counter is that of a backup: what comes is beyond all that was given since. */
static void numbers_jump_at_a_start(void **state)
{
    struct chat_rig *r = *state;
    uint64_t at;

    assert_int_equal(user_at(r, "a"), 1);
    chat_rig_restart(r);
    r->keys.restarted = true;
    at = user_at(r, "b");
    assert_true(at > 1000000);
    assert_int_equal(user_at(r, "c"), at + 1); /* once for each start */
    chat_rig_rest(r, 60000);
    chat_rig_restart(r);
    assert_true(user_at(r, "d") > at + 1);
    assert_int_equal(user_at(r, "a"), 1);
}

/* Logs in as name; the session's number. */
static uint64_t login(struct chat_rig *r, const char *name, struct caller *ret_who)
{
    static char kept[4][64];
    static unsigned next;
    const char *answer = chat_rig_do(r, 0, "{'action':'login','name':'%s'}", name);

    assert_int_equal(verify(r, answer, ret_who), ERROR_NONE);
    (void)snprintf(kept[next], sizeof(kept[next]), "%.*s", STR_ARGS(ret_who->name));
    ret_who->name = str_of(kept[next]);
    next = (next + 1) % 4;
    return ret_who->session;
}

static void a_session_is_ended_by_its_own_user(void **state)
{
    struct chat_rig *r = *state;
    struct caller ana, bo;
    uint64_t of_ana = login(r, "ana", &ana), of_bo = login(r, "bo", &bo);
    const char *answer;
    char copy[2048];

    chat_rig_has(
        chat_rig_do(r, bo.user, "{'action':'logout','session':'%llu'}", (unsigned long long)of_ana),
        "'no_such_session'");
    chat_rig_has(chat_rig_do(r, bo.user, "{'action':'logout','session':'x'}"), "'bad_value'");
    assert_int_equal(r->revoked, 0);
    answer = chat_rig_do(r, 0, "{'action':'login','name':'ana'}");
    (void)snprintf(copy, sizeof(copy), "%s", answer);
    assert_int_equal(verify(r, copy, &ana), ERROR_NONE);
    chat_rig_has(chat_rig_do(r, ana.user, "{'action':'logout','id':1,'session':'%llu'}",
                             (unsigned long long)ana.session),
                 "'ok':{'session':'");
    assert_int_equal(r->revoked, ana.session);
    assert_int_equal(verify(r, copy, &ana), ERROR_revoked);
    answer = chat_rig_do(r, ana.user, "{'action':'sessions'}");
    assert_int_equal(chat_rig_number(answer, "created") > 0, 1);
    (void)snprintf(copy, sizeof(copy), "'id':'%llu'", (unsigned long long)of_ana);
    chat_rig_has(answer, copy);
    (void)snprintf(copy, sizeof(copy), "'id':'%llu'", (unsigned long long)of_bo);
    chat_rig_has_not(answer, copy);
    (void)snprintf(copy, sizeof(copy), "'id':'%llu'", (unsigned long long)r->revoked);
    chat_rig_has_not(answer, copy);
}

/* When the list has lost a session, it has ended for good. */
static void a_logout_that_fails_half_way_can_be_repeated(void **state)
{
    struct chat_rig *r = *state;
    struct caller ana;
    char sk[32];
    struct chat_rig_call *c;

    (void)login(r, "ana", &ana);
    (void)snprintf(sk, sizeof(sk), "%llu", (unsigned long long)ana.session);
    for (unsigned step = 0; step < 3; step++) {
        r->gate->closed[STORE_PUT] = true;
        c = chat_rig_start(r, ana.user, "{'action':'logout','id':1,'session':'%s'}", sk);
        for (unsigned i = 0; i <= step; i++) {
            while (r->gate->held_n == 0)
                assert_true(chat_rig_turn(r));
            if (i < step)
                store_gate_let(r->gate, 0);
        }
        store_gate_fail(r->gate, 0, STORE_FAILED);
        chat_rig_has(chat_rig_wait(c), "'store_failed'");
        chat_rig_free(c);
        store_gate_open(r->gate);
        assert_int_equal(r->revoked, step < 2 ? 0 : ana.session);
        assert_int_equal(chat_rig_record(r, "revoked", sk)[0] == '-', step == 0);
    }
    chat_rig_has(chat_rig_do(r, ana.user, "{'action':'logout','id':1,'session':'%s'}", sk), "'ok'");
}

static void tokens_are_checked(void **state)
{
    struct chat_rig *r = *state;
    uint8_t scratch[PEOPLE_SCRATCH];
    const char *answer = chat_rig_do(r, 0, "{'action':'login','name':'ana'}");
    struct caller who;
    struct str token, rest = str_of(strstr(answer, "'token':'") + 9);
    char copy[1024];

    token = str_cut(&rest, '\'');
    assert_int_equal(people_verify(&r->people, STR("x.y.z"), scratch, &who, &stranger),
                     ERROR_bad_token);
    for (size_t i = 0; i < token.n; i += 7) {
        memcpy(copy, token.p, token.n);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        if (people_verify(&r->people, (struct str){(uint8_t *)copy, token.n}, scratch, &who,
                          &stranger) != ERROR_bad_token)
            fail_msg("changed at %zu of %zu", i, token.n);
    }
    assert_int_equal(people_verify(&r->people, token, scratch, &who, &stranger), ERROR_NONE);
    chat_rig_rest(r, 3600 * 1000 + JWT_SKEW_S * 1000 + 2000);
    assert_int_equal(people_verify(&r->people, token, scratch, &who, &stranger), ERROR_expired);
}

/* The owner lends tokens of names that nobody has, and of those that it lent before; a login
 * by such a name alone is refused, and nobody's own name is lent. */
static void a_token_is_the_owners_to_make(void **state)
{
    struct chat_rig *r = *state;
    struct caller ana, cron;
    char copy[2048];
    struct chat_rig_call *c;

    (void)login(r, "ana", &ana);
    chat_rig_has(chat_rig_do(r, 1, "{'action':'token','name':'cron'}"), "'forbidden'");
    for (int again = 0; again < 2; again++) {
        c = chat_rig_start_super(r, 9, "{'action':'token','name':'Cron','ttl':315360000000}");
        (void)snprintf(copy, sizeof(copy), "%s", chat_rig_wait(c));
        chat_rig_free(c);
        assert_int_equal(verify(r, copy, &cron), ERROR_NONE);
        assert_int_equal(cron.user, 2);
        assert_false(cron.super);
        assert_true(cron.expires_ms >= 315360000000);
    }
    assert_string_equal(chat_rig_record(r, "u:2", "user"), "bCron");
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'cron'}"), "'login_elsewhere'");
    c = chat_rig_start_super(r, 9, "{'action':'token','name':'ANA'}");
    chat_rig_has(chat_rig_wait(c), "'name_taken'");
    chat_rig_free(c);
    c = chat_rig_start_super(r, 1, "{'action':'token','name':'ana'}");
    chat_rig_has(chat_rig_wait(c), "{'id':1,'name':'ana'}");
    chat_rig_free(c);
    c = chat_rig_start_super(r, 9, "{'action':'token','name':'x','ttl':59999}");
    chat_rig_has(chat_rig_wait(c), "'bad_value'");
    chat_rig_free(c);
    c = chat_rig_start_super(r, 9, "{'action':'token','name':'x','ttl':315360000001}");
    chat_rig_has(chat_rig_wait(c), "'bad_value'");
    chat_rig_free(c);
    chat_rig_has(chat_rig_do(r, 0, "{'action':'login','name':'ana'}"), "'token':");
}

/* What has expired is not kept among the ended sessions. */
static void ended_sessions_are_forgotten_when_they_expire(void **state)
{
    struct chat_rig *r = *state;
    uint64_t now = owner_wall_ms(&r->owner);

    people_revoke(&r->people, 5, now + 1000);
    people_revoke(&r->people, 5, now + 1000);
    people_revoke(&r->people, 6, now + 9000);
    assert_int_equal(map_n(&r->people.revoked), 2);
    chat_rig_rest(r, 2000); /* clocks may differ: the token may still be accepted */
    people_revoke(&r->people, 7, now + 9000);
    assert_int_equal(map_n(&r->people.revoked), 3);
    chat_rig_rest(r, JWT_SKEW_S * 1000);
    people_revoke(&r->people, 8, now + 9000);
    assert_int_equal(map_n(&r->people.revoked), 3);
}

static void users_are_found_by_their_beginning(void **state)
{
    struct chat_rig *r = *state;

    (void)chat_rig_do(r, 0, "{'action':'login','name':'Anabel'}");
    (void)chat_rig_do(r, 0, "{'action':'login','name':'Anna'}");
    (void)chat_rig_do(r, 0, "{'action':'login','name':'Bo'}");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'users','id':1,'query':'aN'}"),
                 "'users':[{'id':1,'name':'Anabel'},{'id':2,'name':'Anna'}]");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'users','id':1,'query':'anna'}"),
                 "'users':[{'id':2,'name':'Anna'}]");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'users','id':1}"), "'Bo'");
    chat_rig_has(chat_rig_do(r, 1, "{'action':'users','id':1,'query':'x'}"), "'users':[]");
}

static void records_are_read(void **state)
{
    struct str name;
    bool owner;

    (void)state;
    assert_true(people_decode(STR("uana"), &name, &owner) && !owner);
    assert_true(str_eq(name, STR("ana")));
    assert_true(people_decode(STR("oana"), &name, &owner) && owner);
    assert_true(people_decode(STR("oana"), &name, NULL));
    assert_false(people_decode(STR("u"), &name, &owner));
    assert_false(people_decode(STR(""), &name, &owner));
    assert_true(people_decode(STR("xana"), &name, &owner) && !owner);
    assert_false(people_decode(STR("yana"), &name, &owner));
}

/* A person's rooms: listed, followed, direct; with what is unread. */
static void rooms_are_gathered(void **state)
{
    struct chat_rig *r = *state;
    const char *answer;

    (void)chat_rig_do(r, 0, "{'action':'login','name':'ana'}");
    (void)chat_rig_do(r, 0, "{'action':'login','name':'bo'}");
    (void)chat_rig_do(r, 1, "{'action':'join','room':'a'}");
    (void)chat_rig_do(r, 2, "{'action':'join','room':'a'}");
    (void)chat_rig_do(r, 2, "{'action':'dm','user':1}");
    chat_rig_rest(r, 3000);
    for (int i = 0; i < 3; i++)
        (void)chat_rig_do(r, 1, "{'action':'send','room':'a','text':'hi'}");
    (void)chat_rig_do(r, 2, "{'action':'send','room':'dm:1:2','text':'hi'}");
    answer = chat_rig_do(r, 2, "{'action':'rooms','id':1}");
    chat_rig_has(answer, "{'id':'a','kind':'public'");
    chat_rig_has(answer, "'head':{'seq':4,'count':3},'read':{'seq':1,'count':0},'unread':3}");
    chat_rig_has(answer, "'read':{'seq':2,'count':1},'unread':0,'peer':{'id':1,'name':'ana'}}");
    (void)chat_rig_do(r, 2, "{'action':'read','room':'a','seq':3,'count':2}");
    chat_rig_has(chat_rig_do(r, 2, "{'action':'rooms','id':1}"),
                 "'read':{'seq':3,'count':2},'unread':1}");
    answer = chat_rig_do(r, 1, "{'action':'rooms','id':1}");
    chat_rig_has(answer, "'read':{'seq':4,'count':3},'unread':0,'role':'owner'}");
    chat_rig_has(answer, "'unread':1,'peer':{'id':2,'name':'bo'}}");
    (void)chat_rig_do(r, 1, "{'action':'leave','room':'a'}");
    chat_rig_has_not(chat_rig_do(r, 1, "{'action':'rooms','id':1}"), "'id':'a'");
}

/* More than are asked at once, of owners that answer at once and of such that do not. */
static void many_rooms_are_gathered(void **state)
{
    struct chat_rig *r = *state;
    struct chat_rig_call *c;
    const char *answer;
    char id[32];

    for (int i = 0; i < 40; i++)
        (void)chat_rig_do(r, 1, "{'action':'join','room':'room-%d'}", i);
    chat_rig_rest(r, 3000);
    assert_true(map_n(&r->owner.rooms) < 20); /* some must be loaded again */
    answer = chat_rig_do(r, 1, "{'action':'rooms','id':1}");
    for (int i = 0; i < 40; i++) {
        (void)snprintf(id, sizeof(id), "{'id':'room-%d'", i);
        chat_rig_has(answer, id);
    }
    r->gate->closed[STORE_LOG] = true;
    c = chat_rig_start(r, 1, "{'action':'rooms','id':1}");
    while (r->gate->held_n == 0)
        assert_true(chat_rig_turn(r));
    chat_rig_rest(r, 100);
    assert_in_range(r->gate->held_n, 1, 16);
    store_gate_fail(r->gate, 0, STORE_FAILED);
    store_gate_open(r->gate);
    assert_true(strlen(chat_rig_wait(c)) < strlen(answer)); /* all but that one */
    chat_rig_free(c);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, chat_rig_setup, chat_rig_teardown)

CHECK_MAIN(EACH(a_name_is_one_user), EACH(a_new_name_at_once_is_one_user),
           EACH(half_a_user_is_made_whole), EACH(the_owners_code_works_once),
           EACH(a_login_that_fails_uses_no_code_up), EACH(the_owner_stays_the_owner),
           EACH(a_late_record_takes_nothing_away), EACH(rights_are_not_had_for_a_name),
           EACH(another_starts_session_is_looked_up), EACH(numbers_jump_at_a_start),
           EACH(a_session_is_ended_by_its_own_user),
           EACH(a_logout_that_fails_half_way_can_be_repeated), EACH(tokens_are_checked),
           EACH(a_token_is_the_owners_to_make), EACH(ended_sessions_are_forgotten_when_they_expire),
           EACH(users_are_found_by_their_beginning), cmocka_unit_test(records_are_read),
           EACH(rooms_are_gathered), EACH(many_rooms_are_gathered))
