/* login: a name's user, made at first, and a session for it.
 *
 *   name taken? --no--> number --> take the name --lost--> name taken?
 *        |                              |
 *       yes                             v
 *        +---> user's record (written if a crash left none) --> session --> token
 *
 * With the code of an owner link, the code is claimed for the user before the
 * record and used up behind the session: whatever fails between, the same user
 * comes again with the same code.
 *
 * A name is all that a login takes. So the rights of the server's owner come with the
 * code of an owner link alone: with a fresh one at each login that is to have them.
 *
 * token is a login that the server's owner asks for, in the name of a script. A login by
 * that name alone is refused from then on. */
#include "chat/people/people.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/model/names.h"
#include "chat/model/text.h"
#include "chat/people/people_number.h"
#include "wire/jwt.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY_MS 86400000ULL
#define TOKEN_TTL_MS (365 * DAY_MS)
#define TOKEN_TTL_MIN_MS 60000
#define TOKEN_TTL_MAX_MS (3650 * DAY_MS)

struct login {
    struct people *people;
    size_t key_n;
    uint64_t user, session, expires_ms;
    uint64_t rev;      /* of the user's record, as it was read */
    uint64_t code_rev; /* of the owner's code, as it was claimed */
    bool owner;        /* what the record says */
    bool coded;        /* the code is claimed for this user */
    bool retried;
    bool lends;  /* the owner makes it a token, by the command token */
    bool script; /* the user is one whose tokens come so */
    uint64_t ttl_ms;
    char key[NAMES_KEY_MAX];
    char name[256];
    size_t name_n;
    char body[300];
};

static void find_name(struct call *call);

static struct login *login_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static struct str name_of(const struct login *l)
{
    return (struct str){(const uint8_t *)l->name, l->name_n};
}

static void keep_name(struct login *l, struct str name)
{
    l->name_n = MIN(name.n, sizeof(l->name));
    memcpy(l->name, name.p, l->name_n);
}

static bool failed(struct call *call)
{
    if (call->q.req.result == STORE_OK)
        return false;
    call_fail_store(call, call->q.req.result);
    return true;
}

static void put_code(struct call *call, uint64_t expect, struct str body, store_done_f *done)
{
    struct owner *o = login_of(call)->people->owner;

    (void)call_request(call, o, done);
    call->q.put.pk = KEYS_SERVER;
    call->q.put.sk = KEYS_OWNER_CODE;
    call->q.put.expect = expect;
    call->q.put.body = body;
    store_put(o->store, &call->q.put);
}

static void answer_token(struct call *call)
{
    struct login *l = login_of(call);
    struct buf token CLEANUP(buf_fini);
    struct jwt_claims claims = {
        .user_id = l->user,
        .name = name_of(l),
        .session = keys_ended(l->session, call->key2),
        .run = l->people->keys->run,
        .issued_s = owner_wall_ms(l->people->owner) / 1000,
        .expires_s = l->expires_ms / 1000,
        .owner = l->coded,
    };

    assert(l->session > 0);
    buf_init(&token, 4096);
    jwt_sign(l->people->keys->signer, l->people->keys->kid, &claims, &token);
    if (token.failed) {
        call_fail(call, ERROR_internal);
        return;
    }
    call->ret.who = (struct caller){.user = l->user,
                                    .name = name_of(l),
                                    .session = l->session,
                                    .expires_ms = claims.expires_s * 1000,
                                    .super = l->coded};
    call->ret.token = frame_copy(buf_peek(&token));
    json_out_field_str(&call->out, "token", buf_peek(&token));
    event_self(&call->out, l->user, name_of(l), l->coded);
    json_out_field_u64(&call->out, "expires", call->ret.who.expires_ms);
    call_ok(call);
}

/* A code that could not be used up is nobody else's: it is claimed. */
static void code_used(struct store_req *req)
{
    answer_token(call_of(req));
}

static void session_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);

    if (failed(call))
        return;
    if (l->coded)
        put_code(call, l->code_rev, STR("used"), code_used);
    else
        answer_token(call);
}

static void make_session(struct call *call)
{
    struct login *l = login_of(call);
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

static void read_user(struct call *call);

static void user_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT)
        read_user(call); /* another login of the same name was faster */
    else if (!failed(call))
        make_session(call);
}

static void write_user(struct call *call)
{
    struct login *l = login_of(call);

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
    struct login *l = login_of(call);
    bool written = l->owner;

    assert(!l->coded);
    l->code_rev = code_rev;
    l->owner = l->coded = true;
    if (written)
        make_session(call);
    else
        write_user(call);
}

static void code_claimed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT) {
        call->param = "owner";
        call_fail(call, ERROR_bad_value); /* somebody was faster */
    } else if (!failed(call)) {
        is_owner(call, call->q.put.ret_rev);
    }
}

static void claim_code(struct call *call, uint64_t rev)
{
    struct login *l = login_of(call);
    int n = snprintf(l->body, sizeof(l->body), "%.*s %llu", STR_ARGS(call->cmd.owner),
                     (unsigned long long)l->user);

    assert(n > 0 && (size_t)n < sizeof(l->body)); /* it is the code, which is short */
    put_code(call, rev, (struct str){(const uint8_t *)l->body, (size_t)n}, code_claimed);
}

static void code_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str claimant = {0}, code = {0};
    uint64_t rev = call->q.get.ret_rev, user = 0;
    bool right;

    if (failed(call))
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
        make_session(call); /* without the rights: the link was used before */
    } else {
        call->param = "owner";
        call_fail(call, ERROR_bad_value);
    }
}

static void claim_owner(struct call *call)
{
    struct people *p = login_of(call)->people;

    assert(!login_of(call)->coded);
    (void)call_request(call, p->owner, code_read);
    call->q.get.pk = KEYS_SERVER;
    call->q.get.sk = KEYS_OWNER_CODE;
    store_get(p->owner->store, &call->q.get);
}

/* May a session be made for the user that has this record? Ends the call if not. The
 * server's owner lends no token of another person's: it would read what is private. */
static bool may_enter(struct call *call, struct str record)
{
    struct login *l = login_of(call);
    uint8_t kind = record.n > 0 ? record.p[0] : 0;
    bool own = l->lends && l->user == call->who.user;

    l->script = l->lends && !own;
    if (l->lends ? own || kind == 0 || kind == 'b' : kind != 'x' && kind != 'b')
        return true;
    call->param = l->lends ? "name" : NULL;
    call_fail(call, l->lends ? ERROR_name_taken : ERROR_login_elsewhere);
    return false;
}

static void user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    bool known, enters, owner = false;

    if (failed(call))
        return;
    l->rev = call->q.get.ret_rev;
    known = body != NULL && people_decode(frame_str(body), &name, &owner);
    enters = may_enter(call, body != NULL ? frame_str(body) : (struct str){0});
    frame_unref(body);
    if (!enters)
        return;
    l->owner = owner || l->coded;
    if (call->cmd.owner.n > 0 && !l->coded)
        claim_owner(call);
    else if (!known || l->owner != owner)
        write_user(call);
    else
        make_session(call);
}

static void read_user(struct call *call)
{
    struct login *l = login_of(call);

    (void)call_request(call, l->people->owner, user_read);
    call->q.get.pk = keys_of_user(l->user, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(l->people->owner->store, &call->q.get);
}

static void name_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);

    if (req->result == STORE_CONFLICT && !l->retried) {
        l->retried = true; /* somebody took the name meanwhile: it is theirs */
        find_name(call);
        return;
    }
    if (!failed(call))
        read_user(call);
}

static void put_name(struct call *call)
{
    struct login *l = login_of(call);
    int n;

    n = snprintf(l->body, sizeof(l->body), "%llu %.*s", (unsigned long long)l->user,
                 STR_ARGS(name_of(l)));
    (void)call_request(call, l->people->owner, name_put);
    call->q.put.pk = KEYS_NAMES;
    call->q.put.sk = (struct str){(const uint8_t *)l->key, l->key_n};
    call->q.put.body = (struct str){(const uint8_t *)l->body, (size_t)n};
    store_put(l->people->owner->store, &call->q.put);
}

static void numbered(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);

    if (failed(call))
        return;
    if (people_number_jump(l->people, call, numbered))
        return;
    l->user = people_number_take(l->people, call);
    put_name(call);
}

static void name_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str rest, number;

    if (failed(call))
        return;
    if (body == NULL && !text_name(name_of(l))) { /* who has such a name keeps it */
        call->param = "name";
        call_fail(call, ERROR_bad_name);
        return;
    }
    if (body == NULL) {
        l->user = people_number(l->people);
        if (l->user != 0)
            put_name(call);
        else
            people_number_ask(l->people, call, numbered);
        return;
    }
    rest = frame_str(body);
    number = str_cut(&rest, ' ');
    if (!str_to_u64(number, &l->user)) {
        frame_unref(body);
        call_fail(call, ERROR_internal);
        return;
    }
    keep_name(l, rest);
    frame_unref(body);
    read_user(call);
}

static void find_name(struct call *call)
{
    struct login *l = login_of(call);

    (void)call_request(call, l->people->owner, name_read);
    call->q.get.pk = KEYS_NAMES;
    call->q.get.sk = (struct str){(const uint8_t *)l->key, l->key_n};
    store_get(l->people->owner->store, &call->q.get);
}

/* Begins with the name of call->cmd. */
static void enter(struct people *p, struct call *call, uint64_t ttl_ms, bool lends)
{
    struct login *l = mem_zeroed(1, sizeof(*l));
    struct str name = str_trim(call->cmd.name);

    call->state = l;
    l->people = p;
    l->ttl_ms = ttl_ms;
    l->lends = lends;
    if (!names_fold(name, l->key, &l->key_n) || name.n > sizeof(l->name)) {
        call->param = "name";
        call_fail(call, ERROR_bad_name);
        return;
    }
    keep_name(l, name);
    find_name(call);
}

void people_login(struct people *p, struct call *call)
{
    enter(p, call, p->token_ttl_ms, false);
}

void people_login_token(struct people *p, struct call *call)
{
    uint64_t ttl_ms = command_has(&call->cmd, PARAM_ttl) ? call->cmd.ttl : TOKEN_TTL_MS;

    if (!call->who.super) {
        call_fail(call, ERROR_forbidden);
    } else if (ttl_ms < TOKEN_TTL_MIN_MS || ttl_ms > TOKEN_TTL_MAX_MS) {
        call->param = "ttl";
        call_fail(call, ERROR_bad_value);
    } else {
        enter(p, call, ttl_ms, true);
    }
}
