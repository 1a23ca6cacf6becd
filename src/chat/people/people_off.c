#include "chat/people/people_off.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/people/people_end.h"

struct deactivating {
    struct people_end end;
    struct call *call;
    bool on;
};

static struct deactivating *deactivating_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static bool off_failed(struct call *call)
{
    enum store_result result = call->q.req.result;

    if (result == STORE_OK || result == STORE_CONFLICT)
        return false;
    call_fail_store(call, result);
    return true;
}

void people_off_ask(struct people *p, struct call *call, uint64_t user, store_done_f *done)
{
    assert(user != 0);
    (void)call_request(call, p->owner, done);
    call->q.get.pk = keys_of_user(user, call->key);
    call->q.get.sk = KEYS_OFF;
    store_get(p->owner->store, &call->q.get);
}

bool people_off_passes(struct call *call)
{
    bool off = call->q.get.ret_body != NULL;

    if (off_failed(call))
        return false;
    frame_unref(call->q.get.ret_body);
    if (off)
        call_fail(call, ERROR_deactivated);
    return !off;
}

static void off_answer(struct call *call)
{
    struct deactivating *d = deactivating_of(call);

    json_out_field_u64(&call->out, "user", d->end.user);
    json_out_field_bool(&call->out, "on", d->on);
    call_ok(call);
}

static void own_ended(struct people_end *e, enum store_result result)
{
    struct deactivating *d = CONTAINER_OF(e, struct deactivating, end);

    if (result != STORE_OK)
        call_fail_store(d->call, result);
    else
        off_answer(d->call);
}

/* The caller's own session is the last of all, since it carries the answer. */
static void others_ended(struct people_end *e, enum store_result result)
{
    struct deactivating *d = CONTAINER_OF(e, struct deactivating, end);
    struct call *call = d->call;

    if (result != STORE_OK || e->user != call->who.user) {
        own_ended(e, result);
        return;
    }
    *e = (struct people_end){.people = e->people, .user = e->user, .done = own_ended};
    people_end_one(e, call->who.session);
}

static void off_keys_ended(struct people_end *e, enum store_result result)
{
    struct call *call = CONTAINER_OF(e, struct deactivating, end)->call;

    assert(e->keys && call->who.scopes == 0); /* no key gives the command */
    if (result != STORE_OK) {
        call_fail_store(call, result);
        return;
    }
    *e = (struct people_end){.people = e->people, .user = e->user, .done = others_ended};
    people_end_all(e, call->who.session);
}

static void off_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct deactivating *d = deactivating_of(call);

    if (off_failed(call))
        return;
    if (d->on) {
        d->end.keys = true;
        d->end.done = off_keys_ended;
        people_end_all(&d->end, 0);
    } else {
        off_answer(call);
    }
}

static void put_off(struct call *call)
{
    struct deactivating *d = deactivating_of(call);
    struct owner *o = d->end.people->owner;

    (void)call_request(call, o, off_put);
    call->q.put.pk = keys_of_user(d->end.user, call->key);
    call->q.put.sk = KEYS_OFF;
    call->q.put.body =
        (struct str){(const uint8_t *)call->list, str_from_u64(owner_wall_ms(o), call->list)};
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = !d->on;
    store_put(o->store, &call->q.put);
}

static void off_user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    bool there = call->q.get.ret_body != NULL;

    if (off_failed(call))
        return;
    assert(req->result == STORE_OK);
    frame_unref(call->q.get.ret_body);
    if (there)
        put_off(call);
    else
        call_fail(call, ERROR_no_such_user);
}

static void off_begin(struct call *call)
{
    struct deactivating *d = deactivating_of(call);
    struct people *p = d->end.people;

    (void)call_request(call, p->owner, off_user_read);
    call->q.get.pk = keys_of_user(d->end.user, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(p->owner->store, &call->q.get);
}

/* Who is not the server's owner may do so with a bot of theirs. */
static void off_bot_read(struct store_req *req)
{
    struct call *call = call_of(req);
    uint64_t owner;

    (void)req;
    if (!people_bot_owner(call, &owner))
        return;
    if (owner == call->who.user)
        off_begin(call);
    else
        call_fail(call, ERROR_forbidden);
}

void people_off_run(struct people *p, struct call *call)
{
    const struct command *c = &call->cmd;
    uint64_t user = command_has(c, PARAM_user) ? c->user : call->who.user;
    bool on = !command_has(c, PARAM_on) || c->on;
    struct deactivating *d;

    if (user == 0 || (!call->who.super && user == call->who.user && !on)) {
        call_fail(call, user == 0 ? ERROR_no_such_user : ERROR_forbidden);
        return;
    }
    d = mem_zeroed(1, sizeof(*d));
    d->end = (struct people_end){.people = p, .user = user};
    d->call = call;
    d->on = on;
    call->state = d;
    if (call->who.super || user == call->who.user)
        off_begin(call);
    else
        people_bot_ask(p->owner, call, user, off_bot_read);
}
