#include "chat/people/people_key_find.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/model/names.h"
#include "chat/people/people.h"
#include "chat/people/people_off.h"

#define TRIES_MAX 3

/* A look-up under way. */
struct key_finding {
    struct people *people;
    struct people_key_claim claim;
    struct people_key key; /* its name in label */
    struct caller who;     /* its name in name */
    uint64_t rev;
    unsigned tries;
    char sk[KEYS_MAX];
    char body[PEOPLE_KEY_BODY_MAX], label[PEOPLE_KEY_BODY_MAX];
    char name[NAMES_KEY_MAX];
};

static void key_ask(struct call *call);

static struct str key_copy(struct str s, char *buf, size_t max)
{
    size_t n = MIN(s.n, max);

    if (n > 0)
        memcpy(buf, s.p, n);
    return (struct str){(const uint8_t *)buf, n};
}

static void key_found(struct call *call)
{
    struct key_finding *f = call->state;

    assert(f->who.user == f->claim.user);
    people_key_learn(&f->people->keyring, &f->claim, &f->who, owner_wall_ms(f->people->owner));
    call->who = f->who;
    call_ok(call);
}

/* When it was used is no reason to fail; that its record changed may be that it went. */
static void key_noted(struct store_req *req)
{
    struct call *call = call_of(req);
    struct key_finding *f = call->state;

    if (req->result != STORE_CONFLICT)
        key_found(call);
    else if (++f->tries < TRIES_MAX)
        key_ask(call);
    else
        call_fail(call, ERROR_store_failed);
}

static void key_note(struct call *call)
{
    struct key_finding *f = call->state;
    uint64_t now = owner_wall_ms(f->people->owner);

    assert(f->key.scopes != 0 && f->who.user == f->claim.user);
    if (now < f->key.used_ms + PEOPLE_KEY_KNOWN_MS / 2) {
        key_found(call); /* by another worker, just now */
        return;
    }
    f->key.used_ms = now;
    (void)call_request(call, f->people->owner, key_noted);
    call->q.put.pk = keys_of_user(f->claim.user, call->key);
    call->q.put.sk = keys_api_key(f->claim.id, f->sk);
    call->q.put.body = people_key_encode(&f->key, f->body);
    call->q.put.expect = f->rev;
    call->q.put.expires_ms = f->key.expires_ms;
    store_put(f->people->owner->store, &call->q.put);
}

static void key_off_read(struct store_req *req)
{
    if (people_off_passes(call_of(req)))
        key_note(call_of(req));
}

/* A bot is as good as its owner: it says nothing for who is deactivated. */
static void key_owner_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct key_finding *f = call->state;
    uint64_t owner;

    (void)req;
    if (!people_bot_owner(call, &owner))
        return;
    if (owner != 0)
        people_off_ask(f->people, call, owner, key_off_read);
    else
        key_note(call);
}

static void key_bot_off_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct key_finding *f = call->state;

    (void)req;
    if (people_off_passes(call))
        people_bot_ask(f->people->owner, call, f->claim.user, key_owner_read);
}

static void key_user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct key_finding *f = call->state;
    struct frame *body = call->q.get.ret_body;
    struct str name;
    bool there, is_bot;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    there = body != NULL && people_decode(frame_str(body), &name, NULL);
    if (there)
        f->who = people_key_caller(&f->claim, &f->key, key_copy(name, f->name, sizeof(f->name)));
    is_bot = there && frame_str(body).p[0] == 'b';
    frame_unref(body);
    if (there) {
        people_bot_learn(&f->people->bots, f->claim.user, is_bot);
        people_off_ask(f->people, call, f->claim.user, is_bot ? key_bot_off_read : key_off_read);
    } else {
        call_fail(call, ERROR_revoked);
    }
}

/* What is wrong with the record, as it was read; f->key is set if nothing is. */
static enum error_code key_judge(struct key_finding *f, struct str record)
{
    if (!people_key_decode(record, &f->key) || !people_key_same(f->key.hash, f->claim.hash))
        return ERROR_bad_token;
    f->key.name = key_copy(f->key.name, f->label, sizeof(f->label));
    if (f->key.generation != f->people->keys->generation)
        return ERROR_revoked;
    return f->key.expires_ms <= owner_wall_ms(f->people->owner) ? ERROR_expired : ERROR_NONE;
}

static void key_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct key_finding *f = call->state;
    struct frame *body = call->q.get.ret_body;
    enum error_code e;

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    f->rev = call->q.get.ret_rev;
    e = body == NULL ? ERROR_revoked : key_judge(f, frame_str(body));
    frame_unref(body);
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    (void)call_request(call, f->people->owner, key_user_read);
    call->q.get.pk = keys_of_user(f->claim.user, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(f->people->owner->store, &call->q.get);
}

static void key_ask(struct call *call)
{
    struct key_finding *f = call->state;

    assert(f->tries < TRIES_MAX);
    (void)call_request(call, f->people->owner, key_read);
    call->q.get.pk = keys_of_user(f->claim.user, call->key);
    call->q.get.sk = keys_api_key(f->claim.id, f->sk);
    store_get(f->people->owner->store, &call->q.get);
}

void people_key_find(struct people *p, struct call *call, const struct people_key_claim *c)
{
    struct key_finding *f = mem_zeroed(1, sizeof(*f));

    assert(c->user != 0 && c->id != 0);
    f->people = p;
    f->claim = *c;
    call->state = f;
    key_ask(call);
}
