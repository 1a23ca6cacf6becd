/* key_create, keys, key_revoke: the API keys of a person; of a bot, for its owner; of a script, for
 * the server's owner. */
#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/model/scope.h"
#include "chat/model/text.h"
#include "chat/people/people.h"
#include "chat/people/people_end.h"

#include <stdlib.h>

#define DAY_MS 86400000ULL
#define TTL_MS (365 * DAY_MS)
#define TTL_MIN_MS 60000
#define TTL_MAX_MS (3650 * DAY_MS)

struct keys_call {
    struct people_end end; /* key_revoke */
    struct people *people;
    struct call *call;
    uint64_t user; /* whose keys */
    void (*run)(struct keys_call *k);
    unsigned scopes;
    uint64_t id, ttl_ms;
    char sk[KEYS_MAX], text[PEOPLE_KEY_TEXT_MAX], body[PEOPLE_KEY_BODY_MAX];
    size_t text_n;
};

static struct keys_call *keys_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static void keys_bad(struct call *call, const char *param)
{
    call->param = param;
    call_fail(call, ERROR_bad_value);
}

static bool people_keys_failed(struct call *call)
{
    if (call->q.req.result == STORE_OK)
        return false;
    call_fail_store(call, call->q.req.result);
    return true;
}

/* A bot's keys are its owner's; the server's owner may list and end them, and makes none: such a
 * key would read what is private to another. */
static void keys_bot_read(struct store_req *req)
{
    struct call *call = call_of(req);
    uint64_t owner;
    bool makes = call->cmd.id == COMMAND_key_create;

    (void)req;
    if (!people_bot_owner(call, &owner))
        return;
    if (owner == call->who.user || (call->who.super && (owner == 0 || !makes))) {
        keys_of(call)->run(keys_of(call));
    } else {
        call->param = "user";
        call_fail(call, ERROR_forbidden);
    }
}

/* Only a script is another's to speak as: a person's key would read what is private. */
static void script_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct frame *body = call->q.get.ret_body;
    bool is_script;

    if (people_keys_failed(call))
        return;
    is_script = body != NULL && frame_str(body).n > 0 && frame_str(body).p[0] == 'b';
    frame_unref(body);
    if (is_script) {
        people_bot_ask(keys_of(call)->people->owner, call, keys_of(call)->user, keys_bot_read);
    } else {
        call->param = "user";
        call_fail(call, call->who.super ? ERROR_no_such_user : ERROR_forbidden);
    }
}

static void people_keys_begin(struct people *p, struct call *call, void (*run)(struct keys_call *k))
{
    struct keys_call *k = keys_of(call);

    assert(call->who.user != 0 && call->who.scopes == 0);
    k->people = p;
    k->call = call;
    k->run = run;
    k->user = call->who.user;
    if (!command_has(&call->cmd, PARAM_user) || call->cmd.user == k->user) {
        run(k);
    } else {
        k->user = call->cmd.user;
        (void)call_request(call, p->owner, script_read);
        call->q.get.pk = keys_of_user(k->user, call->key);
        call->q.get.sk = KEYS_USER;
        store_get(p->owner->store, &call->q.get);
    }
}

static void people_keys_list(struct keys_call *k, store_done_f *done)
{
    struct call *call = k->call;

    assert(k->user != 0);
    (void)call_request(call, k->people->owner, done);
    call->q.list.pk = keys_of_user(k->user, call->key);
    call->q.list.prefix = KEYS_API_KEYS;
    call->q.list.limit = PEOPLE_KEYS_MAX;
    store_list(k->people->owner->store, &call->q.list);
}

/* key_create */

static void key_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct keys_call *k = keys_of(call);

    if (people_keys_failed(call))
        return;
    assert(k->id != 0 && k->text_n > 0);
    json_out_field_str(&call->out, "key", (struct str){(const uint8_t *)k->text, k->text_n});
    json_out_key(&call->out, "id");
    json_out_str(&call->out, str_skip(keys_api_key(k->id, k->sk), KEYS_API_KEYS.n));
    json_out_field_u64(&call->out, "expires", call->q.put.expires_ms);
    call_ok(call);
}

static void make_key(struct keys_call *k)
{
    struct owner *o = k->people->owner;
    struct call *call = k->call;
    uint64_t random[PEOPLE_KEY_SECRET_N / sizeof(uint64_t)], now = owner_wall_ms(o);
    struct people_key key = {.created_ms = now,
                             .expires_ms =
                                 (now + k->ttl_ms) / 1000 * 1000, /* as a connection has it */
                             .generation = k->people->keys->generation,
                             .scopes = k->scopes,
                             .name = str_trim(call->cmd.name)};

    assert(k->user != 0 && k->scopes != 0);
    for (unsigned i = 0; i < COUNTOF(random); i++)
        random[i] = o->ops->random(o);
    k->id = 1 + (o->ops->random(o) >> 12);
    k->text_n = people_key_write(k->user, k->id, (const uint8_t *)random, k->text, key.hash).n;
    (void)call_request(call, o, key_put);
    call->q.put.pk = keys_of_user(k->user, call->key);
    call->q.put.sk = keys_api_key(k->id, k->sk);
    call->q.put.body = people_key_encode(&key, k->body);
    call->q.put.expires_ms = key.expires_ms;
    store_put(o->store, &call->q.put);
}

static void keys_counted(struct store_req *req)
{
    struct call *call = call_of(req);
    bool full = false;

    if (people_keys_failed(call))
        return;
    full = call->q.list.ret_n >= PEOPLE_KEYS_MAX;
    frame_unref(call->q.list.ret_block);
    if (full)
        call_fail(call, ERROR_too_many_keys);
    else
        make_key(keys_of(call));
}

static void count_keys(struct keys_call *k)
{
    people_keys_list(k, keys_counted);
}

void people_keys_create(struct people *p, struct call *call)
{
    struct keys_call *k = mem_zeroed(1, sizeof(*k));
    const struct command *c = &call->cmd;

    call->state = k;
    k->ttl_ms = command_has(c, PARAM_ttl) ? c->ttl : TTL_MS;
    if (!scope_read(c->scope, &k->scopes)) {
        keys_bad(call, "scope");
    } else if (k->ttl_ms < TTL_MIN_MS || k->ttl_ms > TTL_MAX_MS) {
        keys_bad(call, "ttl");
    } else if (!text_name(str_trim(c->name))) {
        call->param = "name";
        call_fail(call, ERROR_bad_name);
    } else if ((k->scopes & SCOPE_ADMIN) != 0 && !call->who.super) {
        call->param = "scope";
        call_fail(call, ERROR_forbidden);
    } else {
        people_keys_begin(p, call, count_keys);
    }
}

/* keys */

static void people_keys_put(struct call *call, const struct store_item *item)
{
    struct json_out *o = &call->out;
    char names[SCOPE_TEXT_MAX];
    struct people_key key;

    assert(item->name.n >= KEYS_API_KEYS.n);
    if (!people_key_decode(item->body, &key) ||
        key.expires_ms <= owner_wall_ms(keys_of(call)->people->owner) ||
        key.generation != keys_of(call)->people->keys->generation)
        return;
    json_out_object(o);
    json_out_field_str(o, "id", str_skip(item->name, KEYS_API_KEYS.n));
    json_out_field_str(o, "name", key.name);
    json_out_field_str(o, "scope", scope_write(key.scopes, names));
    json_out_field_u64(o, "created", key.created_ms);
    json_out_field_u64(o, "expires", key.expires_ms);
    if (key.used_ms > 0)
        json_out_field_u64(o, "used", key.used_ms);
    json_out_object_end(o);
}

static void all_keys_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct store_item item;
    size_t at = 0;

    if (people_keys_failed(call))
        return;
    json_out_key(&call->out, "keys");
    json_out_array(&call->out);
    while (store_block_next(call->q.list.ret_block, &at, &item))
        people_keys_put(call, &item);
    json_out_array_end(&call->out);
    frame_unref(call->q.list.ret_block);
    call_ok(call);
}

static void tell_keys(struct keys_call *k)
{
    people_keys_list(k, all_keys_listed);
}

void people_keys(struct people *p, struct call *call)
{
    call->state = mem_zeroed(1, sizeof(struct keys_call));
    people_keys_begin(p, call, tell_keys);
}

/* key_revoke */

static void key_ended(struct people_end *e, enum store_result result)
{
    struct keys_call *k = CONTAINER_OF(e, struct keys_call, end);
    struct call *call = k->call;

    if (result != STORE_OK) {
        call_fail_store(call, result);
    } else if (e->ended_n == 0) {
        call_fail(call, ERROR_no_such_key);
    } else {
        json_out_key(&call->out, "id");
        json_out_str(&call->out, call->cmd.key);
        call_ok(call);
    }
}

static void end_key(struct keys_call *k)
{
    assert(k->id != 0);
    k->end =
        (struct people_end){.people = k->people, .user = k->user, .keys = true, .done = key_ended};
    people_end_one(&k->end, k->id);
}

void people_keys_revoke(struct people *p, struct call *call)
{
    struct keys_call *k = mem_zeroed(1, sizeof(*k));

    call->state = k;
    if (str_to_u64(call->cmd.key, &k->id) && k->id != 0)
        people_keys_begin(p, call, end_key);
    else
        keys_bad(call, "key");
}
