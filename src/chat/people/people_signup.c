/* signup: a name that nobody has, with a password.
 *
 *   owner's code right? --> name free? --> hasher --> number --> password --> user's record
 *                             |                                                    |
 *                             '--taken--> name_taken <--lost (records go)-- claim the name
 *                                         name_alike                               |
 *                                                        owner's code, session <---'
 *
 * The name comes last (chat/people/people_name.h): nobody has a name that has no password yet, and
 * a crash leaves records of a number that nobody has. The code of an owner link lets somebody sign
 * up where it is closed. */
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

static void user_gone(struct store_req *req)
{
    struct call *call = call_of(req);

    call->param = "name"; /* what stays is of a number that nobody has */
    call_fail(call, people_login_of(call)->alike ? ERROR_name_alike : ERROR_name_taken);
}

static void password_gone(struct store_req *req)
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
    put_record(call, KEYS_PASSWORD, (struct str){0}, password_gone);
}

static void signup_recorded(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    assert(l->password.hash[0] != '\0');
    if (people_login_failed(call))
        return;
    l->rev = call->q.put.ret_rev;
    people_login_claim(call, signup_claimed);
}

static void signup_protected(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (people_login_failed(call))
        return;
    l->known = true;
    l->body[0] = 'u';
    memcpy(l->body + 1, l->name, l->name_n);
    put_record(call, KEYS_USER, (struct str){(const uint8_t *)l->body, l->name_n + 1},
               signup_recorded);
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

static void signup_hashed(struct call *call)
{
    struct login *l = people_login_of(call);

    if (!people_login_right(call))
        return;
    l->proven = true;
    l->user = people_number(l->people);
    if (l->user != 0)
        protect(call);
    else
        people_number_ask(l->people, call, signup_numbered);
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
        people_login_make(call, signup_hashed);
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

/* Goes on if somebody may sign up. */
static void may_sign_up(struct people *p, struct call *call)
{
    assert(p->ways.hasher != NULL);
    if (call->cmd.owner.n > 0) {
        (void)call_request(call, p->owner, code_looked);
        call->q.get.pk = KEYS_SERVER;
        call->q.get.sk = KEYS_OWNER_CODE;
        store_get(p->owner->store, &call->q.get);
    } else if (p->ways.signup) {
        people_login_find(call, signup_found);
    } else {
        call_fail(call, ERROR_signup_closed);
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
        may_sign_up(p, call);
    }
}

void people_signup_ways(struct people *p, struct call *call, bool name)
{
    struct json_out *o = &call->out;

    json_out_key(o, "login");
    json_out_array(o);
    if (p->ways.hasher != NULL)
        json_out_str(o, STR("password"));
    if (p->ways.name && name)
        json_out_str(o, STR("name"));
    if (p->ways.issuer)
        json_out_str(o, STR("issuer"));
    json_out_array_end(o);
    json_out_field_str(o, "signup",
                       p->ways.signup && p->ways.hasher != NULL ? STR("open") : STR("closed"));
    call_ok(call);
}
