/* signup: a name that nobody has, with a password.
 *
 *   owner's code or  --> name free? --> hasher --> take a use --> number --> password --> user's
 *   invite right?           |                      of the invite                          record
 *                           |                                                               |
 *                           '--taken--> name_taken <--lost (records go, the use too)-- claim the
 *                                       name_alike                                       name
 *                                                                                           |
 *                                                                 owner's code, session <---'
 *
 * The name comes last (chat/people/people_name.h): nobody has a name that has no password yet, and
 * a crash leaves records of a number that nobody has. The code of an owner link lets somebody sign
 * up where it is closed. Where an invite is needed nobody has a name without a use of one; a crash,
 * or a store that fails, may cost a use that let nobody in. */
#include "chat/people/people_signup.h"

#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/people/people_login_impl.h"
#include "chat/people/people_number.h"

static void put_record(struct call *call, struct str sk, struct str body, store_done_f *done)
{
    struct login *l = people_login_of(call);

    (void)call_request(call, l->people->owner, done);
    call->q.put.pk = keys_of_user(l->user, call->key);
    call->q.put.sk = sk;
    call->q.put.body = body;
    call->q.put.expect = body.n > 0 ? 0 : STORE_REV_ANY;
    call->q.put.remove = body.n == 0;
    store_put(l->people->owner->store, &call->q.put);
}

static void signup_taken(struct call *call)
{
    call->param = "name";
    call_fail(call, ERROR_name_taken);
}

static void signup_lost(struct call *call)
{
    call->param = "name";
    call_fail(call, people_login_of(call)->alike ? ERROR_name_alike : ERROR_name_taken);
}

static void invite_given_back(struct invite_link_use *u)
{
    signup_lost(CONTAINER_OF(u, struct login, invite)->call);
}

static void user_gone(struct store_req *req)
{
    struct call *call = call_of(req); /* what stays is of a number that nobody has */
    struct login *l = people_login_of(call);

    if (!l->invited) {
        signup_lost(call);
        return;
    }
    l->invited = false;
    l->invite.done = invite_given_back;
    invite_link_give_back(&l->invite);
}

/* What proves who the person is: one of both. */
static struct str proof_of(const struct call *call)
{
    return call->cmd.id == COMMAND_passkey_signup ? KEYS_PASSKEYS : KEYS_PASSWORD;
}

static void proof_gone(struct store_req *req)
{
    put_record(call_of(req), KEYS_USER, (struct str){0}, user_gone);
}

static void signup_claimed(struct call *call, enum people_name_result result)
{
    assert(people_login_of(call)->known);
    if (result == PEOPLE_NAME_CLAIMED) {
        people_login_enter(call);
        return;
    }
    people_login_of(call)->alike = result == PEOPLE_NAME_ALIKE;
    put_record(call, proof_of(call), (struct str){0}, proof_gone);
}

static void signup_recorded(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    assert(l->password.hash[0] != '\0' || call->cmd.id == COMMAND_passkey_signup);
    if (people_login_failed(call))
        return;
    l->rev = call->q.put.ret_rev;
    people_login_claim(call, signup_claimed);
}

static void write_record(struct call *call)
{
    struct login *l = people_login_of(call);

    assert(l->user != 0 && !l->known);
    l->known = l->proven = true;
    l->body[0] = 'u';
    memcpy(l->body + 1, l->name, l->name_n);
    put_record(call, KEYS_USER, (struct str){(const uint8_t *)l->body, l->name_n + 1},
               signup_recorded);
}

static void signup_protected(struct store_req *req)
{
    if (!people_login_failed(call_of(req)))
        write_record(call_of(req));
}

static void protect(struct call *call)
{
    struct login *l = people_login_of(call);

    assert(l->user != 0 && l->job.result == HASHER_DONE);
    memcpy(l->password.hash, l->job.hash, sizeof(l->password.hash));
    people_password_learn(&l->password, call->place);
    people_login_put_password(call, signup_protected);
}

static void signup_numbered(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (people_login_failed(call) || people_number_jump(l->people, call, signup_numbered))
        return;
    l->user = people_number_take(l->people, call);
    protect(call);
}

static void signup_number(struct call *call)
{
    struct login *l = people_login_of(call);

    l->user = people_number(l->people);
    if (l->user != 0)
        protect(call);
    else
        people_number_ask(l->people, call, signup_numbered);
}

/* True: the call has not ended. */
static bool invite_right(struct login *l)
{
    if (l->invite.ret_error == ERROR_NONE)
        return true;
    l->call->param = "invite";
    call_fail(l->call, l->invite.ret_error);
    return false;
}

static void invite_taken(struct invite_link_use *u)
{
    struct login *l = CONTAINER_OF(u, struct login, invite);

    if (!invite_right(l))
        return;
    l->invited = true;
    l->taken(l->call);
}

/* Takes a use of the invite, if there has to be one. */
static void take_invite(struct call *call, void (*taken)(struct call *call))
{
    struct login *l = people_login_of(call);

    l->taken = taken;
    if (l->invite.done == NULL) {
        taken(call);
        return;
    }
    l->invite.done = invite_taken;
    invite_link_take(&l->invite, call->cmd.invite);
}

static void signup_hashed(struct call *call)
{
    if (!people_login_right(call))
        return;
    take_invite(call, signup_number);
}

static void signup_free(struct call *call)
{
    people_login_make(call, signup_hashed);
}

void people_signup_write(struct call *call)
{
    assert(people_login_of(call)->user != 0);
    take_invite(call, write_record);
}

static void signup_found(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    uint64_t user;

    if (!people_login_found(call, &user))
        return;
    if (user != 0) {
        signup_taken(call);
    } else if (!people_login_is_new(l)) {
        call->param = "name";
        call_fail(call, ERROR_bad_name);
    } else {
        l->free(call);
    }
}

/* Is the owner's code one that nobody has used? It is claimed once there is a user. */
static void code_looked(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *body = call->q.get.ret_body;
    bool right;

    if (people_login_failed(call))
        return;
    right = body != NULL && frame_str(body).n > 4 && /* "used" */
            str_eq_secret(frame_str(body), call->cmd.owner);
    frame_unref(body);
    if (right) {
        people_login_find(call, signup_found);
        return;
    }
    call->param = "owner";
    call_fail(call, ERROR_bad_value);
}

/* Nothing is hashed for who has no invite. */
static void invite_looked(struct invite_link_use *u)
{
    struct login *l = CONTAINER_OF(u, struct login, invite);

    if (invite_right(l))
        people_login_find(l->call, signup_found);
}

static void look_at_invite(struct call *call)
{
    struct login *l = people_login_of(call);

    l->invite =
        (struct invite_link_use){.owner = l->people->owner, .done = invite_looked, .signup = true};
    invite_link_look(&l->invite, call->cmd.invite);
}

void people_signup_may(struct people *p, struct call *call, void (*free)(struct call *call))
{
    assert(people_login_of(call)->user == 0 && free != NULL);
    people_login_of(call)->free = free;
    if (call->cmd.owner.n > 0) {
        (void)call_request(call, p->owner, code_looked);
        call->q.get.pk = KEYS_SERVER;
        call->q.get.sk = KEYS_OWNER_CODE;
        store_get(p->owner->store, &call->q.get);
    } else if (p->ways.signup == PEOPLE_SIGNUP_INVITE && call->cmd.invite.n > 0) {
        look_at_invite(call);
    } else if (people_login_admits(call)) {
        people_login_find(call, signup_found);
    }
}

void people_signup(struct people *p, struct call *call)
{
    struct login *l = people_login_begin(p, call, call->cmd.name, p->token_ttl_ms);

    if (l == NULL)
        return;
    if (p->ways.hasher == NULL) {
        call_fail(call, ERROR_way_closed);
    } else if (!people_login_text(l, call->cmd.password) ||
               password_is_name(call->cmd.password, people_login_name(l))) {
        call->param = "password";
        call_fail(call, ERROR_bad_password);
    } else {
        people_signup_may(p, call, signup_free);
    }
}

static const char *const signups[] = {[PEOPLE_SIGNUP_CLOSED] = "closed",
                                      [PEOPLE_SIGNUP_INVITE] = "invite",
                                      [PEOPLE_SIGNUP_OPEN] = "open"};

void people_signup_ways(struct people *p, struct call *call, bool name)
{
    bool makes = p->ways.hasher != NULL || people_has_passkeys(p);
    enum people_signup signup = makes ? p->ways.signup : PEOPLE_SIGNUP_CLOSED;
    struct json_out *o = &call->out;

    json_out_key(o, "login");
    json_out_array(o);
    if (p->ways.hasher != NULL)
        json_out_str(o, STR("password"));
    if (people_has_passkeys(p))
        json_out_str(o, STR("passkey"));
    if (p->ways.name && name)
        json_out_str(o, STR("name"));
    if (p->ways.issuer)
        json_out_str(o, STR("issuer"));
    json_out_array_end(o);
    json_out_field_str(o, "signup", str_of(signups[signup]));
    if (people_has_passkeys(p) && p->ways.passkeys.rp.n > 0)
        json_out_field_str(o, "passkey_rp", p->ways.passkeys.rp);
    call_ok(call);
}
