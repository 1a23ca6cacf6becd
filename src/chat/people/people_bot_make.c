#include "chat/people/people_bot_make.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/people/people_bot.h"
#include "chat/people/people_login_impl.h"
#include "chat/people/people_number.h"

#include <stdio.h>
#include <stdlib.h>

/* bot_create: call->state is a struct login, whose bot_owner is whose the bot will be.
 *
 *   the owner's record, their list --> whose is the name? --nobody's--> number --> bot, user -->
 * claim |                                                         |
 *                                       '-- a bot of theirs --> listed
 * <---------------------------'
 */

static void bot_request(struct call *call, uint64_t user, struct str sk, store_done_f *done)
{
    struct login *l = people_login_of(call);

    (void)call_request(call, l->people->owner, done);
    call->q.put.pk = keys_of_user(user, call->key);
    call->q.put.sk = sk;
    call->q.put.expect = STORE_REV_ANY;
}

static void bot_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (people_login_failed(call))
        return;
    event_user(&call->out, "user", l->user, people_login_name(l));
    json_out_field_u64(&call->out, "owner", l->bot_owner);
    call_ok(call);
}

static void bot_list(struct call *call)
{
    struct login *l = people_login_of(call);

    assert(l->user != 0 && l->bot_owner != 0);
    bot_request(call, l->bot_owner, keys_bot(l->user, call->key2), bot_listed);
    call->q.put.body = people_login_name(l);
    store_put(l->people->owner->store, &call->q.put);
}

static void bot_lost(struct store_req *req)
{
    struct call *call = call_of(req);

    call->param = "name"; /* what stays is of a number that nobody has */
    call_fail(call, people_login_of(call)->alike ? ERROR_name_alike : ERROR_name_taken);
}

static void bot_claimed(struct call *call, enum people_name_result result)
{
    struct login *l = people_login_of(call);

    if (result == PEOPLE_NAME_CLAIMED) {
        bot_list(call);
        return;
    }
    l->alike = result == PEOPLE_NAME_ALIKE;
    bot_request(call, l->user, KEYS_USER, bot_lost);
    call->q.put.remove = true;
    store_put(l->people->owner->store, &call->q.put);
}

static void bot_recorded(struct store_req *req)
{
    if (!people_login_failed(call_of(req)))
        people_login_claim(call_of(req), bot_claimed);
}

static void bot_owned(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (people_login_failed(call))
        return;
    l->body[0] = 'b';
    memcpy(l->body + 1, l->name, l->name_n);
    bot_request(call, l->user, KEYS_USER, bot_recorded);
    call->q.put.body = (struct str){(const uint8_t *)l->body, l->name_n + 1};
    call->q.put.expect = 0;
    store_put(l->people->owner->store, &call->q.put);
}

static void bot_make(struct call *call)
{
    struct login *l = people_login_of(call);
    struct owner *o = l->people->owner;
    int n = snprintf(l->body, sizeof(l->body), "%llu %llu", (unsigned long long)l->bot_owner,
                     (unsigned long long)owner_wall_ms(o));

    assert(n > 0 && (size_t)n < sizeof(l->body));
    bot_request(call, l->user, KEYS_BOT, bot_owned);
    call->q.put.body = (struct str){(const uint8_t *)l->body, (size_t)n};
    call->q.put.expect = 0;
    store_put(o->store, &call->q.put);
}

static void bot_numbered(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (people_login_failed(call) || people_number_jump(l->people, call, bot_numbered))
        return;
    l->user = people_number_take(l->people, call);
    bot_make(call);
}

/* A name that somebody has: is it this bot's already? */
static void bot_is_theirs(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    uint64_t owner;

    (void)req;
    if (!people_bot_owner(call, &owner))
        return;
    if (owner == l->bot_owner) {
        bot_list(call);
    } else {
        call->param = "name";
        call_fail(call, ERROR_name_taken);
    }
}

static void bot_name_found(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (!people_login_found(call, &l->user))
        return;
    if (l->user != 0) {
        people_bot_ask(l->people->owner, call, l->user, bot_is_theirs);
    } else if (l->full) {
        call_fail(call, ERROR_too_many_bots);
    } else if (!people_login_is_new(l)) {
        call->param = "name";
        call_fail(call, ERROR_bad_name);
    } else {
        l->user = people_number(l->people);
        if (l->user != 0)
            bot_make(call);
        else
            people_number_ask(l->people, call, bot_numbered);
    }
}

static void bots_counted(struct store_req *req)
{
    struct call *call = call_of(req);

    (void)req;
    if (people_login_failed(call))
        return;
    people_login_of(call)->full = call->q.list.ret_n >= PEOPLE_BOTS_MAX;
    frame_unref(call->q.list.ret_block);
    people_login_find(call, bot_name_found);
}

static void list_request(struct people *p, struct call *call, uint64_t user, store_done_f *done)
{
    (void)call_request(call, p->owner, done);
    call->q.list.pk = keys_of_user(user, call->key);
    call->q.list.prefix = KEYS_BOTS;
    call->q.list.limit = PEOPLE_BOTS_MAX;
    store_list(p->owner->store, &call->q.list);
}

/* Only a person has bots. */
static void bot_owner_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    bool there, is_bot;

    (void)req;
    if (people_login_failed(call))
        return;
    there = body != NULL && body->n > 0;
    is_bot = there && body->bytes[0] == 'b';
    frame_unref(body);
    if (there && !is_bot) {
        list_request(l->people, call, l->bot_owner, bots_counted);
    } else {
        call->param = command_has(&call->cmd, PARAM_user) ? "user" : NULL;
        call_fail(call, is_bot ? ERROR_forbidden : ERROR_no_such_user);
    }
}

/* Whose bots a command is about; 0: the call has ended. */
static uint64_t bots_of(struct call *call)
{
    uint64_t user = command_has(&call->cmd, PARAM_user) ? call->cmd.user : call->who.user;

    assert(call->who.user != 0 && call->who.scopes == 0);
    if (user == call->who.user || (call->who.super && user != 0))
        return user;
    call_fail(call, ERROR_forbidden);
    return 0;
}

void people_bot_make_run(struct people *p, struct call *call)
{
    uint64_t owner = bots_of(call);
    struct login *l;

    if (owner == 0)
        return;
    l = people_login_begin(p, call, call->cmd.name, p->token_ttl_ms);
    if (l == NULL)
        return;
    l->bot_owner = owner;
    (void)call_request(call, p->owner, bot_owner_read);
    call->q.get.pk = keys_of_user(owner, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(p->owner->store, &call->q.get);
}

/* bots */

struct bots_listing {
    struct people *people;
    struct frame *block;
    size_t at;
    struct store_item item;
};

static void bots_next(struct call *call);

static void bots_forget(struct call *call)
{
    struct bots_listing *b = call->state;

    frame_unref(b->block);
    free(b);
    call->state = NULL;
    call->forget = NULL;
}

static void bot_off_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct bots_listing *b = call->state;
    struct json_out *o = &call->out;
    uint64_t id;

    if (req->result != STORE_OK) {
        call_forget(call);
        call_fail_store(call, req->result);
        return;
    }
    if (str_to_u64(str_skip(b->item.name, KEYS_BOTS.n), &id)) {
        json_out_object(o);
        json_out_field_u64(o, "id", id);
        json_out_field_str(o, "name", b->item.body);
        json_out_field_bool(o, "active", call->q.get.ret_body == NULL);
        json_out_object_end(o);
    }
    frame_unref(call->q.get.ret_body);
    bots_next(call);
}

static void bots_next(struct call *call)
{
    struct bots_listing *b = call->state;
    uint64_t id;

    while (store_block_next(b->block, &b->at, &b->item)) {
        if (!str_to_u64(str_skip(b->item.name, KEYS_BOTS.n), &id))
            continue;
        (void)call_request(call, b->people->owner, bot_off_read);
        call->q.get.pk = keys_of_user(id, call->key);
        call->q.get.sk = KEYS_OFF;
        store_get(b->people->owner->store, &call->q.get);
        return;
    }
    json_out_array_end(&call->out);
    call_forget(call);
    call_ok(call);
}

static void bots_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct bots_listing *b = call->state;

    if (req->result != STORE_OK) {
        call_forget(call);
        call_fail_store(call, req->result);
        return;
    }
    b->block = call->q.list.ret_block;
    json_out_key(&call->out, "bots");
    json_out_array(&call->out);
    bots_next(call);
}

void people_bot_make_list(struct people *p, struct call *call)
{
    uint64_t user = bots_of(call);
    struct bots_listing *b;

    if (user == 0)
        return;
    b = mem_zeroed(1, sizeof(*b));
    b->people = p;
    call->state = b;
    call->forget = bots_forget;
    list_request(p, call, user, bots_listed);
}
