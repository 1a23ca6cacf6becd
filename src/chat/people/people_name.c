#include "chat/people/people_name.h"

#include "base/str.h"
#include "chat/model/keys.h"

#include <stdio.h>

/* Each round was lost to somebody else who was faster, and is done with it: so many may claim one
 * name for one person at once, such as all devices of somebody who comes for the first time. */
#define TRIES_MAX 256

static void put_name(struct call *call);
static void put_look(struct call *call);

static struct people_name *claim_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static struct owner *owner_of(struct call *call)
{
    return claim_of(call)->people->owner;
}

/* Is the request answered? Ends the call if the store failed. */
static bool answered(struct call *call)
{
    enum store_result result = call->q.req.result;

    if (result == STORE_OK || result == STORE_CONFLICT)
        return true;
    call_fail_store(call, result);
    return false;
}

/* Is there a try left? Ends the call if not. */
static bool goes_on(struct call *call)
{
    if (claim_of(call)->tries++ < TRIES_MAX)
        return true;
    call_fail_store(call, STORE_FAILED);
    return false;
}

static struct str print(struct people_name *n, struct str text)
{
    int len = snprintf(n->body, sizeof(n->body), "%llu %.*s", (unsigned long long)n->user,
                       STR_ARGS(text));

    assert(len > 0 && (size_t)len < sizeof(n->body));
    return (struct str){(const uint8_t *)n->body, (size_t)len};
}

/* Reads "<id> <text>"; 0 if there is nothing. */
static uint64_t holder_of(const struct frame *body, struct str *ret_text)
{
    struct str rest = body != NULL ? frame_str(body) : (struct str){0}, number;
    uint64_t id = 0;

    number = str_cut(&rest, ' ');
    *ret_text = rest;
    return str_to_u64(number, &id) ? id : 0;
}

static void get(struct call *call, struct str pk, struct str sk, store_done_f *done)
{
    (void)call_request(call, owner_of(call), done);
    call->q.get.pk = pk;
    call->q.get.sk = sk;
    store_get(owner_of(call)->store, &call->q.get);
}

static void put_name_if(struct call *call, uint64_t expect, bool remove, store_done_f *done)
{
    struct people_name *n = claim_of(call);

    assert(!remove || expect != 0);
    (void)call_request(call, owner_of(call), done);
    call->q.put.pk = KEYS_NAMES;
    call->q.put.sk = n->key;
    call->q.put.body = print(n, n->name);
    call->q.put.expect = expect;
    call->q.put.remove = remove;
    store_put(owner_of(call)->store, &call->q.put);
}

static struct str look_of(const struct people_name *n)
{
    return (struct str){(const uint8_t *)n->look, n->look_n};
}

/* The end: ours for good, or given back. */

static void name_kept(struct store_req *req)
{
    struct call *call = call_of(req);

    assert(claim_of(call)->rev != 0);
    if (!answered(call))
        return;
    if (req->result == STORE_OK)
        claim_of(call)->done(call, PEOPLE_NAME_CLAIMED);
    else if (goes_on(call))
        put_name(call);
}

static void confirm_name(struct call *call)
{
    put_name_if(call, claim_of(call)->rev, false, name_kept);
}

static void name_given_back(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!answered(call))
        return;
    if (req->result == STORE_OK)
        claim_of(call)->done(call, PEOPLE_NAME_ALIKE);
    else if (goes_on(call))
        put_name(call);
}

/* The look. */

static void other_name_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people_name *n = claim_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    uint64_t holder;

    assert(n->holder_n > 0);
    if (!answered(call))
        return;
    holder = holder_of(body, &name);
    frame_unref(body);
    if (holder != 0 && holder == n->holder_user)
        put_name_if(call, n->rev, true, name_given_back);
    else if (goes_on(call))
        put_look(call); /* over that of a name that nobody has */
}

static void look_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people_name *n = claim_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str key;

    if (!answered(call))
        return;
    n->look_rev = call->q.get.ret_rev;
    n->holder_user = holder_of(body, &key);
    n->holder_n = MIN(key.n, sizeof(n->holder));
    if (n->holder_n > 0)
        memcpy(n->holder, key.p, n->holder_n);
    frame_unref(body);
    key = (struct str){(const uint8_t *)n->holder, n->holder_n};
    if (n->holder_user == n->user && str_eq(key, n->key)) {
        confirm_name(call);
    } else if (key.n > 0) {
        get(call, KEYS_NAMES, key, other_name_read);
    } else if (goes_on(call)) {
        put_look(call); /* it is gone meanwhile */
    }
}

static void look_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people_name *n = claim_of(call);

    if (!answered(call))
        return;
    assert(n->look_n > 0);
    if (req->result == STORE_OK)
        confirm_name(call);
    else
        get(call, KEYS_LOOKS, look_of(n), look_read);
}

static void put_look(struct call *call)
{
    struct people_name *n = claim_of(call);

    assert(n->tries <= TRIES_MAX && n->rev != 0);
    (void)call_request(call, owner_of(call), look_put);
    call->q.put.pk = KEYS_LOOKS;
    call->q.put.sk = look_of(n);
    call->q.put.body = print(n, n->key);
    call->q.put.expect = n->look_rev;
    store_put(owner_of(call)->store, &call->q.put);
}

/* The name. */

static void name_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people_name *n = claim_of(call);
    struct frame *body = call->q.get.ret_body;
    struct str name;
    uint64_t holder;

    if (!answered(call))
        return;
    n->rev = call->q.get.ret_rev;
    holder = holder_of(body, &name);
    frame_unref(body);
    if (holder == n->user)
        put_look(call);
    else if (n->rev != 0)
        n->done(call, PEOPLE_NAME_TAKEN);
    else if (goes_on(call))
        put_name(call); /* it was given back meanwhile */
}

static void name_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct people_name *n = claim_of(call);

    if (!answered(call))
        return;
    n->rev = call->q.put.ret_rev;
    if (req->result == STORE_OK)
        put_look(call);
    else
        get(call, KEYS_NAMES, n->key, name_read);
}

static void put_name(struct call *call)
{
    claim_of(call)->look_rev = 0;
    put_name_if(call, 0, false, name_put);
}

void people_name_claim(struct people *p, struct call *call, uint64_t user, struct str name,
                       struct str key, people_name_f *done)
{
    struct people_name *n = claim_of(call);
    bool has_look;

    *n = (struct people_name){.people = p, .done = done, .name = name, .key = key, .user = user};
    has_look = looks_skeleton(name, n->look, &n->look_n);

    assert(user != 0 && has_look);
    put_name(call);
}
