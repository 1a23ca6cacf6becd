/* passkey_begin, passkey_new: challenges. Nothing is kept of them. */
#include "base/str.h"
#include "chat/people/people_number.h"
#include "chat/people/people_passkey_impl.h"
#include "chat/people/people_passkeys.h"
#include "chat/people/people_signup.h"

static void put_base64(struct json_out *o, const char *key, struct str bytes)
{
    char text[BASE64_ENCODED_MAX(PASSKEY_CHALLENGE_MAX)];

    assert(bytes.n <= PASSKEY_CHALLENGE_MAX);
    json_out_field_str(o, key,
                       (struct str){(const uint8_t *)text, base64_encode(BASE64_URL, bytes, text)});
}

/* The answer but for what `exclude` has. */
static void put_challenge(struct passkey_call *k, enum passkey_purpose purpose, uint64_t context)
{
    struct owner *o = k->people->owner;
    struct json_out *out = &k->call->out;
    struct passkey_challenge *c = &k->challenge;
    uint64_t nonce[PASSKEY_NONCE_N / sizeof(uint64_t)];
    uint8_t bytes[PASSKEY_CHALLENGE_MAX], handle[PASSKEY_HANDLE_N];

    c->purpose = purpose;
    c->context = context;
    c->expires_ms = owner_wall_ms(o) + PASSKEY_CHALLENGE_MS;
    for (unsigned i = 0; i < COUNTOF(nonce); i++)
        nonce[i] = o->ops->random(o);
    memcpy(c->nonce, nonce, sizeof(nonce));
    put_base64(out, "challenge",
               (struct str){bytes, passkey_challenge_write(k->people->keys, c, bytes)});
    json_out_field_u64(out, "timeout", PASSKEY_CHALLENGE_MS);
    if (k->people->ways.passkeys.rp.n > 0)
        json_out_field_str(out, "rp", k->people->ways.passkeys.rp);
    if (purpose == PASSKEY_LOGIN)
        return;
    assert(c->user != 0);
    passkey_handle_write(c->user, c->salt, handle);
    json_out_key(out, "user");
    json_out_object(out);
    put_base64(out, "handle", (struct str){handle, sizeof(handle)});
    json_out_field_str(out, "name", people_login_name(&k->l));
    json_out_object_end(out);
}

/* Signing up: the number is one that nobody has or will have, whether it is used or not. */

static void begin_as(struct passkey_call *k, uint64_t user)
{
    struct owner *o = k->people->owner;

    k->challenge.user = user;
    k->challenge.salt = o->ops->random(o);
    put_challenge(k, PASSKEY_SIGNUP, people_passkey_mark(k));
    call_ok(k->call);
}

static void begin_numbered(struct store_req *req)
{
    struct call *call = call_of(req);
    struct passkey_call *k = people_passkey_of(call);

    if (people_login_failed(call) || people_number_jump(k->people, call, begin_numbered))
        return;
    begin_as(k, people_number_take(k->people, call));
}

static void begin_free(struct call *call)
{
    struct passkey_call *k = people_passkey_of(call);
    uint64_t user = people_number(k->people);

    if (user != 0)
        begin_as(k, user);
    else
        people_number_ask(k->people, call, begin_numbered);
}

void people_passkey_begin(struct people *p, struct call *call)
{
    bool signs_up = command_has(&call->cmd, PARAM_name);
    struct passkey_call *k = people_passkey_call_new(p, call, call->cmd.name);

    if (k == NULL)
        return;
    if (!people_has_passkeys(p)) {
        call_fail(call, ERROR_way_closed);
    } else if (signs_up) {
        people_signup_may(p, call, begin_free);
    } else {
        put_challenge(k, PASSKEY_LOGIN, 0);
        call_ok(call);
    }
}

/* Another one. */

static void new_passkeys(struct call *call, struct passkeys *keys)
{
    struct passkey_call *k = people_passkey_of(call);
    struct owner *o = k->people->owner;

    if (keys->n == PASSKEYS_MAX) {
        call_fail(call, ERROR_too_many_passkeys);
        return;
    }
    k->challenge.user = k->l.user;
    k->challenge.salt = k->l.passkeys_rev != 0 ? keys->salt : o->ops->random(o);
    put_challenge(k, PASSKEY_ADD, call->who.session);
    json_out_key(&call->out, "exclude");
    json_out_array(&call->out);
    for (unsigned i = 0; i < keys->n; i++)
        json_out_str(&call->out, keys->at[i].id);
    json_out_array_end(&call->out);
    call_ok(call);
}

static void new_user(struct store_req *req)
{
    struct call *call = call_of(req);

    if (people_passkey_take_user(call))
        people_passkeys_read(call, new_passkeys);
}

void people_passkey_begin_new(struct people *p, struct call *call)
{
    struct passkey_call *k = people_passkey_call_new(p, call, (struct str){0});

    assert(k != NULL && call->who.user != 0);
    k->l.user = call->who.user;
    if (people_has_passkeys(p))
        people_login_read_user(call, new_user);
    else
        call_fail(call, ERROR_way_closed);
}
