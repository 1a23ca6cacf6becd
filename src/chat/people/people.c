#include "chat/people/people.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/model/names.h"

#include <stdlib.h>

#define USERS_MAX 50
#define SESSIONS_MAX 200

struct people_ended {
    struct map_node node;
    uint64_t session, expires_ms;
};

static bool revoked_eq(const struct map_node *node, const void *key)
{
    return CONTAINER_OF((struct map_node *)(uintptr_t)node, struct people_ended, node)->session ==
           *(const uint64_t *)key;
}

void people_init(struct people *p, struct owner *owner, const struct people_keys *keys,
                 uint64_t token_ttl_ms, const struct identity_options *issuer)
{
    assert(owner != NULL);
    *p = (struct people){.owner = owner,
                         .keys = keys,
                         .token_ttl_ms = token_ttl_ms,
                         .ways = {.name = true, .signup = PEOPLE_SIGNUP_OPEN}};
    map_init(&p->revoked);
    people_session_init(&p->sessions);
    people_key_init(&p->keyring);
    directory_init(&p->directory, owner);
    people_seen_init(&p->seen);
    people_bot_init(&p->bots, owner);
    identity_init(&p->identity, issuer);
}

void people_fini(struct people *p)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&p->revoked, &it); n != NULL; n = map_next(&it))
        free(CONTAINER_OF(n, struct people_ended, node));
    map_fini(&p->revoked);
    people_session_fini(&p->sessions);
    people_key_fini(&p->keyring);
    directory_fini(&p->directory);
    people_seen_fini(&p->seen);
    people_bot_fini(&p->bots);
    identity_fini(&p->identity);
}

static void forget_expired(struct people *p)
{
    struct map_iter it;

    for (struct map_node *n = map_first(&p->revoked, &it); n != NULL; n = map_next(&it)) {
        struct people_ended *r = CONTAINER_OF(n, struct people_ended, node);

        if (r->expires_ms + PEOPLE_LATE_MS >= owner_wall_ms(p->owner))
            continue;
        map_remove(&p->revoked, n);
        free(r);
    }
}

void people_revoke(struct people *p, uint64_t session, uint64_t expires_ms)
{
    struct people_ended *r;

    if (map_find(&p->revoked, session, revoked_eq, &session) != NULL)
        return;
    forget_expired(p);
    r = mem_zeroed(1, sizeof(*r));
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
    enum jwt_result r;

    ret_stranger->own = false;
    r = jwt_verify(p->keys->all, token, owner_wall_ms(p->owner) / 1000, scratch, PEOPLE_SCRATCH,
                   &claims);

    if (p->identity.o != NULL && (r == JWT_NO_KEY || r == JWT_ALGORITHM || r == JWT_SIGNATURE))
        return verify_issued(p, token, scratch, ret_who, ret_stranger);
    if (r == JWT_OK && !str_to_u64(claims.session, &session))
        r = JWT_BAD;
    if (r != JWT_OK)
        return identity_refuse(&p->identity, r);
    if (people_is_revoked(p, session))
        return ERROR_revoked;
    ret_stranger->own = !str_eq(claims.run, p->keys->run) &&
                        !people_session_known(&p->sessions, session, claims.user_id);
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
    if (body.n < 2 || memchr("uoxb", body.p[0], 4) == NULL)
        return false;
    *ret_name = str_skip(body, 1);
    if (ret_owner != NULL)
        *ret_owner = body.p[0] == 'o';
    return true;
}

/* Sessions' records, then the records of where these were seen. */
struct sessions_page {
    struct frame *sessions;
    struct frame *seen; /* NULL: could not be had, which is no reason to answer nothing */
    size_t seen_at;
    struct store_item seen_item;
    unsigned n, limit;
};

static void sessions_forget(struct call *call)
{
    struct sessions_page *page = call->state;

    frame_unref(page->sessions);
    frame_unref(page->seen);
    free(page);
    call->state = NULL;
    call->forget = NULL;
}

static void put_session(struct call *call, const struct store_item *item, uint64_t now_ms)
{
    struct sessions_page *page = call->state;
    struct json_out *o = &call->out;
    struct str id = str_skip(item->name, KEYS_SESSIONS.n);
    struct people_session s;
    uint64_t number;

    if (!people_session_decode(item->body, &s) || s.expires_ms < now_ms ||
        s.generation != call->people->keys->generation || !str_to_u64(id, &number))
        return;
    json_out_object(o);
    json_out_field_str(o, "id", id);
    json_out_field_u64(o, "created", s.created_ms);
    json_out_field_u64(o, "expires", s.expires_ms);
    json_out_field_bool(o, "current", number == call->who.session);
    if (page->seen != NULL)
        people_seen_put(o, page->seen, &page->seen_at, &page->seen_item, id);
    json_out_object_end(o);
}

static void seen_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people *p = call->people;
    struct sessions_page *page = call->state;
    struct store_item item;
    size_t at = 0;

    if (req->result == STORE_OK)
        page->seen = call->q.list.ret_block;
    json_out_key(&call->out, "sessions");
    json_out_array(&call->out);
    while (store_block_next(page->sessions, &at, &item))
        put_session(call, &item, owner_wall_ms(p->owner));
    json_out_array_end(&call->out);
    if (page->n == page->limit) /* item is the last */
        json_out_field_str(&call->out, "next", str_skip(item.name, KEYS_SESSIONS.n));
    call_forget(call);
    call_ok(call);
}

/* Lists what stands behind c->next under the prefix. */
static void list_sessions(struct people *p, struct call *call, struct str prefix,
                          store_done_f *done)
{
    const struct command *c = &call->cmd;
    uint64_t after = 0;

    (void)call_request(call, p->owner, done);
    call->q.list.pk = keys_of_user(call->who.user, call->key);
    call->q.list.prefix = prefix;
    if (command_has(c, PARAM_next) && str_to_u64(c->next, &after))
        call->q.list.after = str_eq(prefix, KEYS_SEEN) ? keys_seen(after, call->key2)
                                                       : keys_session(after, call->key2);
    call->q.list.limit =
        command_has(c, PARAM_limit) && c->limit > 0 ? (unsigned)c->limit : SESSIONS_MAX;
    store_list(p->owner->store, &call->q.list);
}

static void sessions_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct sessions_page *page;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    page = mem_zeroed(1, sizeof(*page));
    page->sessions = call->q.list.ret_block;
    page->n = call->q.list.ret_n;
    page->limit = call->q.list.limit;
    call->state = page;
    call->forget = sessions_forget;
    list_sessions(call->people, call, KEYS_SEEN, seen_listed);
}

/* Those that have expired take part in the paging, and are not shown. */
void people_sessions(struct people *p, struct call *call)
{
    const struct command *c = &call->cmd;
    uint64_t after;

    if (command_has(c, PARAM_next) && !str_to_u64(c->next, &after)) {
        call->param = "next";
        call_fail(call, ERROR_bad_value);
        return;
    }
    call->people = p;
    list_sessions(p, call, KEYS_SESSIONS, sessions_listed);
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
        event_user(o, NULL, id, name);
    }
    json_out_array_end(o);
    frame_unref(call->q.list.ret_block);
    call_ok(call);
}

void people_users(struct people *p, struct call *call)
{
    size_t n;

    assert(call->who.user != 0);
    if (!names_fold_prefix(call->cmd.query, call->key, &n)) {
        call->param = "query";
        call_fail(call, ERROR_bad_value);
        return;
    }
    (void)call_request(call, p->owner, users_listed);
    call->q.list.pk = KEYS_NAMES;
    call->q.list.prefix = (struct str){(const uint8_t *)call->key, n};
    call->q.list.limit = USERS_MAX;
    store_list(p->owner->store, &call->q.list);
}
