/* login: a name's user, made at first, and a session for it.
 *
 *   name taken? --no--> number --> claim the name --lost--> name taken?
 *        |                              |  (chat/people/people_name.h)
 *       yes                             v
 *        +---> user's record (claimed again and written if a crash left none) --> session --> token
 *
 * With the code of an owner link, the code is claimed for the user before the
 * record and used up behind the session: whatever fails between, the same user
 * comes again with the same code.
 *
 * By a password, whoever has the name is compared first; nothing is written for who is wrong:
 *
 *   name's user, or nobody --> their records --> hasher --right--> what is new of the place,
 *                                                  |                and then as above
 *                                                  '--> bad_login
 *
 * A name alone proves nothing. So by it the rights of the server's owner come with the code of an
 * owner link alone: with a fresh one at each login that is to have them. A password brings them.
 *
 * token is a login that the server's owner asks for, in the name of a script. A login by
 * that name alone is refused from then on. */
#include "chat/people/people_login_impl.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/people/people_number.h"
#include "chat/people/people_off.h"
#include "chat/people/people_passkeys.h"
#include "wire/jwt.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_MS 86400000ULL
#define TOKEN_TTL_MS (365 * DAY_MS)
#define TOKEN_TTL_MIN_MS 60000
#define TOKEN_TTL_MAX_MS (3650 * DAY_MS)
#define BUSY_AGAIN_MS 1000

static void find_name(struct call *call);
static void claim_name(struct call *call);

void people_login_keep_name(struct login *l, struct str name)
{
    l->name_n = MIN(name.n, sizeof(l->name));
    memcpy(l->name, name.p, l->name_n);
}

bool people_login_is_new(const struct login *l)
{
    char key[NAMES_KEY_MAX];
    size_t n;

    return names_new(people_login_name(l), key, &n);
}

bool people_login_failed(struct call *call)
{
    if (call->q.req.result == STORE_OK)
        return false;
    call_fail_store(call, call->q.req.result);
    return true;
}

static void put_code(struct call *call, uint64_t expect, struct str body, store_done_f *done)
{
    struct owner *o = people_login_of(call)->people->owner;

    (void)call_request(call, o, done);
    call->q.put.pk = KEYS_SERVER;
    call->q.put.sk = KEYS_OWNER_CODE;
    call->q.put.expect = expect;
    call->q.put.body = body;
    store_put(o->store, &call->q.put);
}

static void answer_token(struct call *call)
{
    struct login *l = people_login_of(call);
    struct buf token CLEANUP(buf_fini);
    bool super = l->coded || (l->owner && l->proven);
    struct jwt_claims claims = {
        .user_id = l->user,
        .name = people_login_name(l),
        .session = keys_ended(l->session, call->key2),
        .run = l->people->keys->run,
        .issued_s = owner_wall_ms(l->people->owner) / 1000,
        .expires_s = l->expires_ms / 1000,
        .owner = super,
    };

    assert(l->session > 0);
    buf_init(&token, 4096);
    jwt_sign(l->people->keys->signer, l->people->keys->kid, &claims, &token);
    if (token.failed) {
        call_fail(call, ERROR_internal);
        return;
    }
    call->ret.who = (struct caller){.user = l->user,
                                    .name = people_login_name(l),
                                    .session = l->session,
                                    .expires_ms = claims.expires_s * 1000,
                                    .super = super};
    call->ret.token = frame_copy(buf_peek(&token));
    json_out_field_str(&call->out, "token", buf_peek(&token));
    event_self(&call->out, l->user, people_login_name(l), super);
    json_out_field_u64(&call->out, "expires", call->ret.who.expires_ms);
    call_ok(call);
}

/* The session that has asked ends last, and in the turn in which the answer goes out: its
 * connection closes behind that. */
static void own_ended(struct people_end *e, enum store_result result)
{
    struct login *l = CONTAINER_OF(e, struct login, end);

    if (result != STORE_OK)
        call_fail_store(l->call, result);
    else
        answer_token(l->call);
}

static void end_own(struct call *call)
{
    struct login *l = people_login_of(call);

    l->end = (struct people_end){.people = l->people, .user = l->user, .done = own_ended};
    people_end_one(&l->end, call->who.session);
}

/* A code that could not be used up is nobody else's: it is claimed. */
static void code_used(struct store_req *req)
{
    answer_token(call_of(req));
}

static void off_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (!people_off_passes(call))
        return;
    if (l->coded)
        put_code(call, l->code_rev, STR("used"), code_used);
    else if (l->changed && l->user == call->who.user)
        end_own(call);
    else
        answer_token(call);
}

static void session_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!people_login_failed(call)) /* behind the session: see chat/people/people_off.h */
        people_off_ask(people_login_of(call)->people, call, people_login_of(call)->user, off_read);
}

void people_login_session(struct call *call)
{
    struct login *l = people_login_of(call);
    struct owner *o = l->people->owner;

    l->session = 1 + (o->ops->random(o) >> 12);
    l->expires_ms = owner_wall_ms(o) + l->ttl_ms;
    (void)call_request(call, o, session_put);
    call->q.put.pk = keys_of_user(l->user, call->key);
    call->q.put.sk = keys_session(l->session, call->key2);
    static_assert(sizeof(l->body) >= PEOPLE_SESSION_BODY_MAX, "");
    call->q.put.body =
        people_session_encode(&(struct people_session){owner_wall_ms(o), l->expires_ms,
                                                       l->people->keys->generation, false},
                              l->body);
    call->q.put.expires_ms = l->expires_ms;
    store_put(o->store, &call->q.put);
}

static void others_ended(struct people_end *e, enum store_result result)
{
    struct login *l = CONTAINER_OF(e, struct login, end);

    assert(l->changed && l->proven);
    if (result != STORE_OK)
        call_fail_store(l->call, result);
    else
        people_login_session(l->call);
}

void people_login_renew(struct call *call)
{
    struct login *l = people_login_of(call);

    assert(l->user != 0);
    l->proven = l->changed = true;
    l->end = (struct people_end){.people = l->people, .user = l->user, .done = others_ended};
    people_end_all(&l->end, l->user == call->who.user ? call->who.session : 0);
}

static void read_user(struct call *call);

static void user_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT)
        read_user(call); /* another login of the same name was faster */
    else if (!people_login_failed(call))
        people_login_session(call);
}

static void write_user(struct call *call)
{
    struct login *l = people_login_of(call);

    l->body[0] = (char)(l->script ? 'b' : l->owner ? 'o' : 'u');
    memcpy(l->body + 1, l->name, l->name_n);
    (void)call_request(call, l->people->owner, user_put);
    call->q.put.pk = keys_of_user(l->user, call->key);
    call->q.put.sk = KEYS_USER;
    call->q.put.body = (struct str){(const uint8_t *)l->body, l->name_n + 1};
    call->q.put.expect = l->rev;
    store_put(l->people->owner->store, &call->q.put);
}

/* The owner link: its code is the first user's who has it, and works until that
 * user has a session. The record "<code> <user>" says whose it is. */

static void is_owner(struct call *call, uint64_t code_rev)
{
    struct login *l = people_login_of(call);
    bool written = l->owner;

    assert(!l->coded);
    l->code_rev = code_rev;
    l->owner = l->coded = true;
    if (written)
        people_login_session(call);
    else
        write_user(call);
}

static void code_claimed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT) {
        call->param = "owner";
        call_fail(call, ERROR_bad_value); /* somebody was faster */
    } else if (!people_login_failed(call)) {
        is_owner(call, call->q.put.ret_rev);
    }
}

static void claim_code(struct call *call, uint64_t rev)
{
    struct login *l = people_login_of(call);
    int n = snprintf(l->body, sizeof(l->body), "%.*s %llu", STR_ARGS(call->cmd.owner),
                     (unsigned long long)l->user);

    assert(n > 0 && (size_t)n < sizeof(l->body)); /* it is the code, which is short */
    put_code(call, rev, (struct str){(const uint8_t *)l->body, (size_t)n}, code_claimed);
}

static void code_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str claimant = {0}, code = {0};
    uint64_t rev = call->q.get.ret_rev, user = 0;
    bool right;

    if (people_login_failed(call))
        return;
    if (body != NULL) {
        claimant = frame_str(body);
        code = str_cut(&claimant, ' ');
    }
    right = code.n > 4 && str_eq_secret(code, call->cmd.owner) &&
            (claimant.n == 0 || (str_to_u64(claimant, &user) && user == l->user));
    frame_unref(body);
    if (right && user != 0) {
        is_owner(call, rev);
    } else if (right) {
        claim_code(call, rev);
    } else if (l->owner) {
        people_login_session(call); /* without the rights: the link was used before */
    } else {
        call->param = "owner";
        call_fail(call, ERROR_bad_value);
    }
}

static void claim_owner(struct call *call)
{
    struct people *p = people_login_of(call)->people;

    assert(!people_login_of(call)->coded);
    (void)call_request(call, p->owner, code_read);
    call->q.get.pk = KEYS_SERVER;
    call->q.get.sk = KEYS_OWNER_CODE;
    store_get(p->owner->store, &call->q.get);
}

/* May a session be made for the user that has this record? Ends the call if not. The
 * server's owner lends no token of another person's: it would read what is private. */
static bool may_enter(struct call *call, struct str record)
{
    struct login *l = people_login_of(call);
    uint8_t kind = record.n > 0 ? record.p[0] : 0;
    bool own = l->lends && l->user == call->who.user;

    l->script = l->lends && !own;
    if (l->lends ? own || kind == 0 || kind == 'b' : kind != 'x' && kind != 'b')
        return true;
    call->param = l->lends ? "name" : NULL;
    call_fail(call, l->lends ? ERROR_name_taken : ERROR_login_elsewhere);
    return false;
}

void people_login_enter(struct call *call)
{
    struct login *l = people_login_of(call);
    bool owner = l->owner;

    assert(l->user != 0);
    l->owner = owner || l->coded;
    if (call->cmd.owner.n > 0 && !l->coded)
        claim_owner(call);
    else if (!l->known || l->owner != owner)
        write_user(call);
    else
        people_login_session(call);
}

/* By a name alone: who has a password or a passkey is safe from that. */
static void passkeys_read(struct call *call, struct passkeys *keys)
{
    if (keys->n > 0)
        call_fail(call, ERROR_passkey_needed);
    else
        people_login_enter(call);
}

static void unprotected(struct call *call)
{
    if (people_login_of(call)->password.hash[0] != '\0')
        call_fail(call, ERROR_password_needed);
    else
        people_passkeys_read(call, passkeys_read);
}

static void password_learned(struct store_req *req)
{
    people_login_enter(call_of(req)); /* if it failed, the next login does it */
}

static void password_renewed(struct call *call)
{
    struct login *l = people_login_of(call);

    if (l->job.result == HASHER_DONE)
        memcpy(l->password.hash, l->job.hash, sizeof(l->password.hash));
    people_login_put_password(call, password_learned);
}

/* What is new is kept: a place, a hash by the settings of today. */
static void compared(struct call *call)
{
    struct login *l = people_login_of(call);
    bool learns = call->place != 0 && !people_password_knows(&l->password, call->place);

    if (!people_login_right(call))
        return;
    l->proven = true;
    people_password_learn(&l->password, call->place);
    if (l->job.older)
        people_login_make(call, password_renewed);
    else if (learns)
        people_login_put_password(call, password_learned);
    else
        people_login_enter(call);
}

static void password_read(struct call *call)
{
    struct login *l = people_login_of(call);
    bool elsewhere = l->kind == 'x' || l->kind == 'b';

    assert(!l->proven);
    memcpy(l->job.hash, l->password.hash, sizeof(l->job.hash));
    if (elsewhere)
        l->job.hash[0] = '\0';
    people_login_compare(call, compared);
}

/* The server's owner lends no token of another person's bot. */
static void lent_bot_read(struct store_req *req)
{
    struct call *call = call_of(req);
    uint64_t owner;

    (void)req;
    if (!people_bot_owner(call, &owner))
        return;
    if (owner == 0 || owner == call->who.user) {
        people_login_enter(call);
    } else {
        call->param = "name";
        call_fail(call, ERROR_name_taken);
    }
}

/* A password's record is looked for whoever it is. */
static void user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    bool enters = true, proves = command_has(&call->cmd, PARAM_password);

    if (people_login_failed(call))
        return;
    l->rev = call->q.get.ret_rev;
    l->kind = body != NULL && frame_str(body).n > 0 ? frame_str(body).p[0] : 0;
    l->known = body != NULL && people_decode(frame_str(body), &name, &l->owner);
    if (!proves)
        enters = may_enter(call, body != NULL ? frame_str(body) : (struct str){0});
    frame_unref(body);
    if (!enters)
        return;
    if (l->proven)
        people_login_enter(call); /* read again: another login has written it meanwhile */
    else if (proves)
        people_login_read_password(call, password_read);
    else if (body == NULL && !l->claimed)
        claim_name(call); /* a crash left none, or another login is about to write it */
    else if (l->lends && l->kind == 'b')
        people_bot_ask(l->people->owner, call, l->user, lent_bot_read);
    else if (l->lends || !l->known)
        people_login_enter(call);
    else
        people_login_read_password(call, unprotected);
}

void people_login_read_user(struct call *call, store_done_f *done)
{
    struct login *l = people_login_of(call);

    (void)call_request(call, l->people->owner, done);
    call->q.get.pk = keys_of_user(l->user, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(l->people->owner->store, &call->q.get);
}

bool people_login_take_user(struct call *call, enum error_code none)
{
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;

    if (people_login_failed(call))
        return false;
    l->rev = call->q.get.ret_rev;
    l->known = body != NULL && people_decode(frame_str(body), &name, &l->owner);
    if (l->known) {
        l->kind = frame_str(body).p[0];
        people_login_keep_name(l, name);
    }
    frame_unref(body);
    if (l->known && l->kind != 'x' && l->kind != 'b')
        return true;
    call_fail(call, l->known && none != ERROR_bad_code ? ERROR_login_elsewhere : none);
    return false;
}

static void read_user(struct call *call)
{
    people_login_read_user(call, user_read);
}

static void name_claimed(struct call *call, enum people_name_result result)
{
    struct login *l = people_login_of(call);

    if (result == PEOPLE_NAME_CLAIMED) {
        l->claimed = true;
        read_user(call);
    } else if (result == PEOPLE_NAME_TAKEN && !l->retried) {
        l->retried = true; /* somebody took the name meanwhile: it is theirs */
        find_name(call);
    } else if (result == PEOPLE_NAME_TAKEN) {
        call_fail_store(call, STORE_FAILED);
    } else {
        call->param = "name";
        call_fail(call, ERROR_name_alike);
    }
}

void people_login_claim(struct call *call, people_name_f *done)
{
    struct login *l = people_login_of(call);

    assert(l->user != 0 && people_login_is_new(l));
    people_name_claim(l->people, call, l->user, people_login_name(l),
                      (struct str){(const uint8_t *)l->key, l->key_n}, done);
}

bool people_login_admits(struct call *call)
{
    enum people_signup signup = people_login_of(call)->people->ways.signup;

    if (signup == PEOPLE_SIGNUP_OPEN)
        return true;
    call_fail(call, signup == PEOPLE_SIGNUP_INVITE ? ERROR_invite_needed : ERROR_signup_closed);
    return false;
}

/* Scripts are the owner's to make; the owner's code is looked at once there is a user. */
static void claim_name(struct call *call)
{
    struct login *l = people_login_of(call);

    assert(call->cmd.id != COMMAND_signup);
    if (!l->lends && call->cmd.owner.n == 0 && !people_login_admits(call))
        return;
    if (people_login_is_new(l)) {
        people_login_claim(call, name_claimed);
    } else { /* who has such a name keeps it */
        call->param = "name";
        call_fail(call, ERROR_bad_name);
    }
}

static void numbered(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (people_login_failed(call))
        return;
    if (people_number_jump(l->people, call, numbered))
        return;
    l->user = people_number_take(l->people, call);
    claim_name(call);
}

bool people_login_found(struct call *call, uint64_t *ret_user)
{
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str rest;
    uint64_t user = 0;

    if (people_login_failed(call))
        return false;
    if (body != NULL) {
        rest = frame_str(body);
        if (!str_to_u64(str_cut(&rest, ' '), &user)) {
            frame_unref(body);
            call_fail(call, ERROR_internal);
            return false;
        }
        people_login_keep_name(l, rest);
        frame_unref(body);
    }
    *ret_user = user;
    return true;
}

static void name_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (!people_login_found(call, &l->user))
        return;
    if (l->user != 0 || command_has(&call->cmd, PARAM_password)) {
        read_user(call); /* with a password, as for anybody */
        return;
    }
    if (!people_login_is_new(l)) { /* who has such a name keeps it */
        call->param = "name";
        call_fail(call, ERROR_bad_name);
        return;
    }
    l->user = people_number(l->people);
    if (l->user != 0)
        claim_name(call);
    else
        people_number_ask(l->people, call, numbered);
}

void people_login_find(struct call *call, store_done_f *done)
{
    struct login *l = people_login_of(call);

    assert(l->key_n > 0);
    (void)call_request(call, l->people->owner, done);
    call->q.get.pk = KEYS_NAMES;
    call->q.get.sk = (struct str){(const uint8_t *)l->key, l->key_n};
    store_get(l->people->owner->store, &call->q.get);
}

static void find_name(struct call *call)
{
    people_login_find(call, name_read);
}

/* Passwords. */

static void people_login_password_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    bool ok;

    if (people_login_failed(call))
        return;
    l->password_rev = call->q.get.ret_rev;
    ok = body == NULL || people_password_decode(frame_str(body), &l->password);
    frame_unref(body);
    if (ok)
        l->read(call);
    else
        call_fail(call, ERROR_internal);
}

void people_login_read_password(struct call *call, void (*read)(struct call *call))
{
    struct login *l = people_login_of(call);

    l->read = read;
    l->password = (struct people_password){0};
    (void)call_request(call, l->people->owner, people_login_password_read);
    call->q.get.pk = keys_of_user(l->user, call->key);
    call->q.get.sk = KEYS_PASSWORD;
    store_get(l->people->owner->store, &call->q.get);
}

void people_login_put_password(struct call *call, store_done_f *done)
{
    struct login *l = people_login_of(call);

    assert(l->user != 0);
    (void)call_request(call, l->people->owner, done);
    call->q.put.pk = keys_of_user(l->user, call->key);
    call->q.put.sk = KEYS_PASSWORD;
    call->q.put.body = people_password_encode(&l->password, l->body);
    call->q.put.expect = l->password_rev;
    store_put(l->people->owner->store, &call->q.put);
}

bool people_login_text(struct login *l, struct str text)
{
    return password_prepare(text, l->job.text, &l->job.text_n);
}

static void people_login_hashed(struct hasher_job *j)
{
    struct login *l = CONTAINER_OF(j, struct login, job);

    l->hashed(l->call);
}

static void people_login_submit(struct call *call, void (*hashed)(struct call *call))
{
    struct login *l = people_login_of(call);

    assert(l->job.text_n > 0 && l->people->ways.hasher != NULL);
    l->hashed = hashed;
    l->job.done = people_login_hashed;
    l->job.job.home = l->people->owner->home;
    if (!hasher_submit(l->people->ways.hasher, &l->job))
        call_fail_until(call, ERROR_login_busy, BUSY_AGAIN_MS);
}

void people_login_compare(struct call *call, void (*hashed)(struct call *call))
{
    struct login *l = people_login_of(call);

    l->job.makes = false;
    l->job.guessing = true;
    l->job.now_ms = owner_now_ms(l->people->owner);
    l->job.guess = (struct guess){hasher_mark((struct str){(const uint8_t *)l->key, l->key_n}),
                                  call->place, people_password_knows(&l->password, call->place)};
    people_login_submit(call, hashed);
}

void people_login_make(struct call *call, void (*hashed)(struct call *call))
{
    struct login *l = people_login_of(call);

    l->job.makes = true;
    l->job.guessing = false;
    people_login_submit(call, hashed);
}

bool people_login_right(struct call *call)
{
    struct login *l = people_login_of(call);
    char told[HASHER_TOLD_MAX];

    switch (l->job.result) {
    case HASHER_DONE:
        return true;
    case HASHER_WAITS:
        call_fail_until(call, ERROR_rate_limited, l->job.wait_ms);
        return false;
    case HASHER_FAILED:
        call_fail_until(call, ERROR_login_busy, BUSY_AGAIN_MS);
        return false;
    case HASHER_WRONG:
        break;
    }
    bus_cast(l->people->owner->bus, PEOPLE_GUESSED, hasher_tell(&l->job.guess, told));
    call_fail(call, ERROR_bad_login);
    return false;
}

bool people_login_init(struct login *l, struct people *p, struct call *call, struct str name,
                       uint64_t ttl_ms)
{
    call->state = l;
    l->call = call;
    l->people = l->end.people = p;
    l->ttl_ms = ttl_ms;
    name = str_trim(name);
    if (!names_fold(name, l->key, &l->key_n) || name.n > sizeof(l->name)) {
        call->param = "name";
        call_fail(call, ERROR_bad_name);
        return false;
    }
    people_login_keep_name(l, name);
    return true;
}

struct login *people_login_begin(struct people *p, struct call *call, struct str name,
                                 uint64_t ttl_ms)
{
    struct login *l = mem_zeroed(1, sizeof(*l));

    return people_login_init(l, p, call, name, ttl_ms) ? l : NULL;
}

/* Such a text is nobody's password, whoever is named. */
static bool prepare(struct people *p, struct call *call)
{
    if (!command_has(&call->cmd, PARAM_password)) {
        if (p->ways.name)
            return true;
        call->param = "password";
        call_fail(call, p->ways.hasher != NULL ? ERROR_missing_parameter : ERROR_way_closed);
        return false;
    }
    if (p->ways.hasher == NULL)
        call_fail(call, ERROR_way_closed);
    else if (!people_login_text(people_login_of(call), call->cmd.password))
        call_fail(call, ERROR_bad_login);
    else
        return true;
    return false;
}

void people_login(struct people *p, struct call *call)
{
    if (people_login_begin(p, call, call->cmd.name, p->token_ttl_ms) != NULL && prepare(p, call))
        find_name(call);
}

void people_login_token(struct people *p, struct call *call)
{
    uint64_t ttl_ms = command_has(&call->cmd, PARAM_ttl) ? call->cmd.ttl : TOKEN_TTL_MS;
    struct login *l;

    if (!call->who.super) {
        call_fail(call, ERROR_forbidden);
    } else if (ttl_ms < TOKEN_TTL_MIN_MS || ttl_ms > TOKEN_TTL_MAX_MS) {
        call->param = "ttl";
        call_fail(call, ERROR_bad_value);
    } else {
        l = people_login_begin(p, call, call->cmd.name, ttl_ms);
        if (l == NULL)
            return;
        l->lends = true;
        find_name(call);
    }
}
