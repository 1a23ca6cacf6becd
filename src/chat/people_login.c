/* login: a name's user, made at first, and a session for it.
 *
 *   name taken? --no--> number --> take the name --lost--> name taken?
 *        |                              |
 *       yes                             v
 *        +---> user's record (written if a crash left none) --> session --> token
 *
 * A name is all that a login takes. So the rights of the server's owner come with
 * the code of the owner link, and later to who logs in on the server's machine. */
#include "chat/people.h"

#include "base/str.h"
#include "chat/names.h"
#include "chat/people_number.h"
#include "chat/reads.h"
#include "wire/jwt.h"

#include <stdio.h>
#include <stdlib.h>

struct login {
    struct people *people;
    size_t key_n;
    uint64_t user, session, expires_ms;
    uint64_t rev; /* of the user's record, as it was read */
    bool owner;   /* what the record says */
    bool coded;   /* the code was this login's */
    bool retried;
    char key[NAMES_KEY_MAX];
    char name[256];
    size_t name_n;
    char body[300];
};

static void find_name(struct call *call);

static struct login *login_of(struct call *call)
{
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

static struct str print(char *buf, size_t max, const char *before, uint64_t v)
{
    int n = snprintf(buf, max, "%s%llu", before, (unsigned long long)v);

    return (struct str){(const uint8_t *)buf, (size_t)n};
}

static bool failed(struct call *call)
{
    if (call->q.req.result == STORE_OK)
        return false;
    call_fail_store(call, call->q.req.result);
    return true;
}

static bool has_rights(struct call *call)
{
    const struct login *l = login_of(call);

    return l->owner && (l->coded || call->local);
}

static void put_user(struct call *call)
{
    const struct login *l = login_of(call);
    struct json_out *o = &call->out;

    json_out_key(o, "user");
    json_out_object(o);
    json_out_field_u64(o, "id", l->user);
    json_out_field_str(o, "name", name_of(l));
    if (has_rights(call))
        json_out_field_bool(o, "owner", true);
    json_out_object_end(o);
}

static void session_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);
    struct buf token CLEANUP(buf_fini);
    struct jwt_claims claims = {
        .user_id = l->user,
        .name = name_of(l),
        .session = print(call->key2, sizeof(call->key2), "", l->session),
        .issued_s = owner_wall_ms(l->people->owner) / 1000,
        .expires_s = l->expires_ms / 1000,
        .owner = has_rights(call),
    };

    if (failed(call))
        return;
    buf_init(&token, 4096);
    jwt_sign(l->people->keys->signer, l->people->keys->kid, &claims, &token);
    if (token.failed) {
        call_fail(call, ERROR_internal);
        return;
    }
    json_out_field_str(&call->out, "token", buf_peek(&token));
    put_user(call);
    json_out_field_u64(&call->out, "expires", l->expires_ms / 1000 * 1000);
    call_ok(call);
}

static void make_session(struct call *call)
{
    struct login *l = login_of(call);
    struct owner *o = l->people->owner;
    int n;

    l->session = 1 + (o->ops->random(o) >> 12);
    l->expires_ms = owner_wall_ms(o) + l->people->token_ttl_ms;
    (void)call_request(call, o->home, session_put);
    call->q.put.pk = reads_pk(l->user, call->key);
    call->q.put.sk = print(call->key2, sizeof(call->key2), "session:", l->session);
    n = snprintf(l->body, sizeof(l->body), "%llu %llu", (unsigned long long)owner_wall_ms(o),
                 (unsigned long long)l->expires_ms);
    call->q.put.body = (struct str){(const uint8_t *)l->body, (size_t)n};
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

    l->body[0] = l->owner ? 'o' : 'u';
    memcpy(l->body + 1, l->name, l->name_n);
    (void)call_request(call, l->people->owner->home, user_put);
    call->q.put.pk = reads_pk(l->user, call->key);
    call->q.put.sk = STR("user");
    call->q.put.body = (struct str){(const uint8_t *)l->body, l->name_n + 1};
    call->q.put.expect = l->rev;
    store_put(l->people->owner->store, &call->q.put);
}

/* The owner link: its code is used up by the first login that has it. */

static void code_removed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);

    if (req->result == STORE_CONFLICT) {
        call->param = "owner";
        call_fail(call, ERROR_bad_value); /* somebody was faster */
        return;
    }
    if (failed(call))
        return;
    l->owner = l->coded = true;
    write_user(call);
}

static void code_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *body = call->q.get.ret_body;
    uint64_t rev = call->q.get.ret_rev;
    bool right;

    if (failed(call))
        return;
    right = body != NULL && body->n > 4 && str_eq_secret(frame_str(body), call->cmd.owner);
    frame_unref(body);
    if (!right) {
        call->param = "owner";
        call_fail(call, ERROR_bad_value);
        return;
    }
    (void)call_request(call, login_of(call)->people->owner->home, code_removed);
    call->q.put.pk = STR("server");
    call->q.put.sk = STR("owner-code");
    call->q.put.expect = rev;
    call->q.put.body = STR("used");
    store_put(login_of(call)->people->owner->store, &call->q.put);
}

static void claim_owner(struct call *call)
{
    struct people *p = login_of(call)->people;

    (void)call_request(call, p->owner->home, code_read);
    call->q.get.pk = STR("server");
    call->q.get.sk = STR("owner-code");
    store_get(p->owner->store, &call->q.get);
}

static void user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    bool known, elsewhere, owner = false;

    if (failed(call))
        return;
    l->rev = call->q.get.ret_rev;
    known = body != NULL && people_decode(frame_str(body), &name, &owner);
    elsewhere = body != NULL && body->n > 0 && body->bytes[0] == 'x';
    frame_unref(body);
    if (elsewhere) {
        call_fail(call, ERROR_login_elsewhere);
        return;
    }
    l->owner = owner || l->coded;
    if (call->cmd.owner.n > 0 && !l->owner)
        claim_owner(call);
    else if (!known || l->owner != owner)
        write_user(call);
    else
        make_session(call);
}

static void read_user(struct call *call)
{
    struct login *l = login_of(call);

    (void)call_request(call, l->people->owner->home, user_read);
    call->q.get.pk = reads_pk(l->user, call->key);
    call->q.get.sk = STR("user");
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
    (void)call_request(call, l->people->owner->home, name_put);
    call->q.put.pk = STR("names");
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

    (void)call_request(call, l->people->owner->home, name_read);
    call->q.get.pk = STR("names");
    call->q.get.sk = (struct str){(const uint8_t *)l->key, l->key_n};
    store_get(l->people->owner->store, &call->q.get);
}

void people_login(struct people *p, struct call *call)
{
    struct login *l = calloc(1, sizeof(*l));
    struct str name = str_trim(call->cmd.name);

    if (l == NULL)
        abort();
    call->state = l;
    l->people = p;
    if (!names_fold(name, l->key, &l->key_n) || name.n > sizeof(l->name)) {
        call->param = "name";
        call_fail(call, ERROR_bad_name);
        return;
    }
    keep_name(l, name);
    find_name(call);
}
