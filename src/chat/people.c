#include "chat/people.h"

#include "base/str.h"
#include "chat/names.h"
#include "chat/reads.h"
#include "wire/jwt.h"

#include <stdio.h>
#include <stdlib.h>

#define USERS_MAX 50
#define SESSIONS_MAX 200
/* A token is accepted for so long after its end. */
#define LATE_MS (JWT_SKEW_S * 1000u)

struct revoked {
    struct map_node node;
    uint64_t session, expires_ms;
};

static bool revoked_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct revoked, node)->session ==
           *(const uint64_t *)key;
}

void people_init(struct people *p, struct owner *owner, const struct people_keys *keys,
                 uint64_t token_ttl_ms, const struct identity_options *issuer)
{
    *p = (struct people){.owner = owner, .keys = keys, .token_ttl_ms = token_ttl_ms};
    map_init(&p->revoked);
    identity_init(&p->identity, issuer);
}

void people_fini(struct people *p)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&p->revoked, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct revoked, node));
    map_fini(&p->revoked);
    identity_fini(&p->identity);
}

static void forget_expired(struct people *p)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&p->revoked, &it); n != NULL; n = map_next(&it)) {
        struct revoked *r = CONTAINER_OF(n, struct revoked, node);

        if (r->expires_ms + LATE_MS >= owner_wall_ms(p->owner))
            continue;
        map_remove(&p->revoked, n);
        free(r);
    }
}

void people_revoke(struct people *p, uint64_t session, uint64_t expires_ms)
{
    struct revoked *r;

    if (map_find(&p->revoked, session, revoked_eq, &session) != NULL)
        return;
    forget_expired(p);
    r = calloc(1, sizeof(*r));
    if (r == NULL)
        abort();
    r->session = session;
    r->expires_ms = expires_ms;
    map_add(&p->revoked, &r->node, session);
}

bool people_is_revoked(const struct people *p, uint64_t session)
{
    return map_find(&p->revoked, session, revoked_eq, &session) != NULL;
}

bool people_revoked_read(struct str bytes, uint64_t *ret_session, uint64_t *ret_expires_ms)
{
    struct str first = str_cut(&bytes, ' ');

    return str_to_u64(first, ret_session) && str_to_u64(bytes, ret_expires_ms);
}

static enum error_code verify_issued(struct people *p, struct str token, uint8_t *scratch,
                                     struct caller *ret_who, struct identity_stranger *ret_stranger)
{
    enum error_code e = identity_verify(&p->identity, token, owner_wall_ms(p->owner) / 1000,
                                        scratch, ret_who, ret_stranger);

    return e == ERROR_NONE && people_is_revoked(p, ret_who->session) ? ERROR_revoked : e;
}

enum error_code people_verify(struct people *p, struct str token, uint8_t *scratch,
                              struct caller *ret_who, struct identity_stranger *ret_stranger)
{
    struct jwt_claims claims;
    uint64_t session;
    enum jwt_result r = jwt_verify(p->keys->all, token, owner_wall_ms(p->owner) / 1000, scratch,
                                   PEOPLE_SCRATCH, &claims);

    if (p->identity.o != NULL && (r == JWT_NO_KEY || r == JWT_ALGORITHM || r == JWT_SIGNATURE))
        return verify_issued(p, token, scratch, ret_who, ret_stranger);
    if (r == JWT_OK && !str_to_u64(claims.session, &session))
        r = JWT_BAD;
    if (r != JWT_OK)
        return identity_refuse(&p->identity, r);
    if (people_is_revoked(p, session))
        return ERROR_revoked;
    *ret_who = (struct caller){
        .user = claims.user_id,
        .name = claims.name,
        .session = session,
        .expires_ms = claims.expires_s * 1000,
        .super = claims.owner,
    };
    return ERROR_NONE;
}

bool people_decode(struct str body, struct str *ret_name, bool *ret_owner)
{
    if (body.n < 2 || memchr("uox", body.p[0], 3) == NULL)
        return false;
    *ret_name = str_skip(body, 1);
    if (ret_owner != NULL)
        *ret_owner = body.p[0] == 'o';
    return true;
}

static struct str print_u64(char *buf, size_t max, const char *before, uint64_t v)
{
    int n = snprintf(buf, max, "%s%llu", before, (unsigned long long)v);

    return (struct str){(const uint8_t *)buf, (size_t)n};
}

struct str people_recent_pk(uint64_t minute, char buf[static PEOPLE_RECENT_MAX])
{
    return print_u64(buf, PEOPLE_RECENT_MAX, "revoked:", minute);
}

/* logout: the session is remembered as ended, for whoever starts and, where there
 * are other nodes, for those that run; then its record goes: what is no longer listed
 * has ended. */

#define RECENT_KEPT_MS 600000

struct ending {
    struct people *people;
    uint64_t session, expires_ms;
    char sk[24];
};

static void tell_nodes(const struct ending *e)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)e->session,
                     (unsigned long long)e->expires_ms);

    bus_cast(e->people->owner->bus, PEOPLE_REVOKED, (struct str){(const uint8_t *)text, (size_t)n});
}

static void session_removed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct ending *e = call->state;

    e->people->owner->ops->revoke(e->people->owner, e->session, e->expires_ms);
    tell_nodes(e);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_key(&call->out, "session");
    json_out_str(&call->out, print_u64(call->key, sizeof(call->key), "", e->session));
    call_ok(call);
}

static void noted(struct store_req *req)
{
    struct call *call = call_of(req);
    struct ending *e = call->state;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    (void)call_request(call, e->people->owner->home, session_removed);
    call->q.put.pk = reads_pk(call->who.user, call->key);
    call->q.put.sk = print_u64(call->key2, sizeof(call->key2), "session:", e->session);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(e->people->owner->store, &call->q.put);
}

static void put_revoked(struct call *call, struct str pk, uint64_t kept_ms, store_done_f *done)
{
    struct ending *e = call->state;

    (void)call_request(call, e->people->owner->home, done);
    call->q.put.pk = pk;
    call->q.put.sk = print_u64(e->sk, sizeof(e->sk), "", e->session);
    call->q.put.body = print_u64(call->key2, sizeof(call->key2), "", e->expires_ms);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.expires_ms = kept_ms;
    store_put(e->people->owner->store, &call->q.put);
}

static void ended(struct store_req *req)
{
    struct call *call = call_of(req);
    struct owner *o = ((struct ending *)call->state)->people->owner;
    uint64_t now = owner_wall_ms(o);

    if (req->result != STORE_OK)
        call_fail_store(call, req->result);
    else if (bus_is_alone(o->bus))
        noted(req);
    else
        put_revoked(call, people_recent_pk(now / 60000, call->key), now + RECENT_KEPT_MS, noted);
}

static void session_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct ending *e = call->state;
    struct frame *body = call->q.get.ret_body;
    uint64_t expires_ms;
    struct str rest;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    if (body == NULL) {
        call_fail(call, ERROR_no_such_session);
        return;
    }
    rest = frame_str(body);
    (void)str_cut(&rest, ' ');
    /* of one that outlives its token, new tokens may still come */
    e->expires_ms = owner_wall_ms(e->people->owner) + e->people->token_ttl_ms;
    if (str_to_u64(str_cut(&rest, ' '), &expires_ms) && rest.n == 0)
        e->expires_ms = expires_ms;
    frame_unref(body);
    put_revoked(call, STR("revoked"), e->expires_ms + LATE_MS, ended);
}

void people_logout(struct people *p, struct call *call)
{
    struct ending *e = calloc(1, sizeof(*e));

    if (e == NULL)
        abort();
    e->people = p;
    e->session = call->who.session;
    call->state = e;
    if (command_has(&call->cmd, PARAM_session) && !str_to_u64(call->cmd.session, &e->session)) {
        call->param = "session";
        call_fail(call, ERROR_bad_value);
        return;
    }
    (void)call_request(call, p->owner->home, session_read);
    call->q.get.pk = reads_pk(call->who.user, call->key);
    call->q.get.sk = print_u64(call->key2, sizeof(call->key2), "session:", e->session);
    store_get(p->owner->store, &call->q.get);
}

static void put_session(struct call *call, const struct store_item *item, uint64_t now_ms)
{
    struct json_out *o = &call->out;
    struct str id = str_skip(item->name, sizeof("session:") - 1), rest = item->body;
    uint64_t created, expires, number;
    struct str first = str_cut(&rest, ' ');

    if (!str_to_u64(first, &created) || !str_to_u64(str_cut(&rest, ' '), &expires) ||
        expires < now_ms || !str_to_u64(id, &number))
        return;
    json_out_object(o);
    json_out_field_str(o, "id", id);
    json_out_field_u64(o, "created", created);
    json_out_field_u64(o, "expires", expires);
    json_out_field_bool(o, "current", number == call->who.session);
    json_out_object_end(o);
}

static void sessions_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people *p = call->people;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_key(&call->out, "sessions");
    json_out_array(&call->out);
    while (store_block_next(call->q.list.ret_block, &at, &item))
        put_session(call, &item, owner_wall_ms(p->owner));
    json_out_array_end(&call->out);
    frame_unref(call->q.list.ret_block);
    call_ok(call);
}

void people_sessions(struct people *p, struct call *call)
{
    (void)call_request(call, p->owner->home, sessions_listed);
    call->people = p;
    call->q.list.pk = reads_pk(call->who.user, call->key);
    call->q.list.prefix = STR("session:");
    call->q.list.limit = SESSIONS_MAX;
    store_list(p->owner->store, &call->q.list);
}

static void users_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct json_out *o = &call->out;
    struct store_item item;
    size_t at = 0;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_key(o, "users");
    json_out_array(o);
    while (store_block_next(call->q.list.ret_block, &at, &item)) {
        struct str name = item.body;
        struct str number = str_cut(&name, ' ');
        uint64_t id;

        if (!str_to_u64(number, &id))
            continue;
        json_out_object(o);
        json_out_field_u64(o, "id", id);
        json_out_field_str(o, "name", name);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    frame_unref(call->q.list.ret_block);
    call_ok(call);
}

void people_users(struct people *p, struct call *call)
{
    size_t n;

    if (!names_fold_prefix(call->cmd.query, call->key, &n)) {
        call->param = "query";
        call_fail(call, ERROR_bad_value);
        return;
    }
    (void)call_request(call, p->owner->home, users_listed);
    call->q.list.pk = STR("names");
    call->q.list.prefix = (struct str){(const uint8_t *)call->key, n};
    call->q.list.limit = USERS_MAX;
    store_list(p->owner->store, &call->q.list);
}
