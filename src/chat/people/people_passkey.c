#include "chat/people/people_passkey.h"

#include "base/mem.h"
#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/people/people_passkey_impl.h"
#include "chat/people/people_passkeys.h"
#include "wire/hostname.h"

#define TRIES_MAX 8
#define SPENT_KEPT_MS (2 * (uint64_t)PASSKEY_CHALLENGE_MS)

struct passkey_call *people_passkey_call_new(struct people *p, struct call *call, struct str name)
{
    struct passkey_call *k = mem_zeroed(1, sizeof(*k));

    k->people = p;
    k->call = call;
    buf_init(&k->out, PASSKEY_BODY_MAX);
    if (!people_login_init(&k->l, p, call, name.n > 0 ? name : STR("user"), p->token_ttl_ms))
        return NULL;
    return k;
}

struct passkey_call *people_passkey_of(struct call *call)
{
    return CONTAINER_OF(people_login_of(call), struct passkey_call, l);
}

bool people_passkey_take_user(struct call *call)
{
    if (!people_login_take_user(call, ERROR_no_such_user))
        return false;
    if (people_login_of(call)->owner && !call->who.super) {
        call_fail(call, ERROR_forbidden);
        return false;
    }
    return true;
}

void people_passkey_bad(struct call *call, enum error_code code, const char *param)
{
    call->param = param;
    call_fail(call, code);
}

bool people_passkey_decode(struct str *base64)
{
    return base64_decode(BASE64_URL, *base64, (uint8_t *)(uintptr_t)base64->p, &base64->n);
}

/* The page. */

static bool ends_with_domain(struct str host, struct str domain)
{
    struct str end;

    if (host.n <= domain.n)
        return str_eq_nocase(host, domain);
    end = str_skip(host, host.n - domain.n);
    return host.p[host.n - domain.n - 1] == '.' && str_eq_nocase(end, domain);
}

/* Browsers have passkeys at names alone, and where nobody can listen. */
static bool is_secure(struct str origin, struct str host)
{
    return host.n > 0 && host.n <= PASSKEY_RP_MAX && !hostname_is_address(host) &&
           (str_starts(origin, STR("https://")) || hostname_is_loopback(host));
}

static enum error_code find_rp(const struct people *p, struct str origin, struct str *ret_rp)
{
    const struct people_passkeys *way = &p->ways.passkeys;
    struct str host = hostname_of(hostname_of_origin(origin));

    if (!is_secure(origin, host))
        return ERROR_passkey_domain;
    if (way->is_ours != NULL && !way->is_ours(way->ctx, origin))
        return ERROR_bad_origin;
    if (way->rp.n > 0 && !ends_with_domain(host, way->rp))
        return ERROR_passkey_domain;
    *ret_rp = way->rp.n > 0 ? way->rp : host;
    return ERROR_NONE;
}

bool people_passkey_page(struct passkey_call *k, enum passkey_purpose purpose)
{
    struct command *c = &k->call->cmd;
    uint64_t now = owner_wall_ms(k->people->owner);
    struct webauthn_client client;
    enum error_code e;

    if (!people_has_passkeys(k->people)) {
        call_fail(k->call, ERROR_way_closed);
        return false;
    }
    if (!people_passkey_decode(&c->client_data) ||
        webauthn_client(c->client_data, purpose != PASSKEY_LOGIN, k->scratch, &client) !=
            WEBAUTHN_OK) {
        people_passkey_bad(k->call, ERROR_bad_passkey, "client_data");
        return false;
    }
    if (!passkey_challenge_read(k->people->keys, client.challenge, now, &k->challenge) ||
        k->challenge.purpose != purpose) {
        call_fail(k->call, ERROR_passkey_stale);
        return false;
    }
    e = find_rp(k->people, client.origin, &k->rp);
    if (e != ERROR_NONE)
        call_fail(k->call, e);
    k->spends = true;
    return e == ERROR_NONE;
}

bool people_passkey_made(struct passkey_call *k)
{
    struct str *attestation = &k->call->cmd.attestation;

    assert(k->rp.n > 0);
    if (people_passkey_decode(attestation) &&
        webauthn_made(*attestation, k->rp, &k->made) == WEBAUTHN_OK)
        return true;
    people_passkey_bad(k->call, ERROR_bad_passkey, "attestation");
    return false;
}

bool people_passkey_put_in(struct passkey_call *k, struct passkeys *keys)
{
    struct passkey made = {
        .count = k->made.count,
        .flags = (k->made.verified ? PASSKEY_VERIFIED : 0u) | (k->made.synced ? PASSKEY_SYNCED : 0),
        .rp = k->rp,
        .id = {(const uint8_t *)k->id, base64_encode(BASE64_URL, k->made.id, k->id)},
        .key = {(const uint8_t *)k->key, base64_encode(BASE64_URL, k->made.key, k->key)},
        .title = k->call->cmd.title,
    };

    assert(k->made.id.n > 0);
    if (passkey_find(keys, made.id) != NULL) {
        call_fail(k->call, ERROR_passkey_there);
        return false;
    }
    if (keys->n == PASSKEYS_MAX) {
        call_fail(k->call, ERROR_too_many_passkeys);
        return false;
    }
    k->number = passkey_add(keys, &made, owner_wall_ms(k->people->owner))->created_ms;
    return true;
}

uint64_t people_passkey_mark(const struct passkey_call *k)
{
    return hasher_mark((struct str){(const uint8_t *)k->l.key, k->l.key_n});
}

/* One change of the record. */

static void people_passkey_read(struct passkey_call *k);

static void passkey_put(struct store_req *req)
{
    struct passkey_call *k = people_passkey_of(call_of(req));

    buf_fini(&k->out);
    if (req->result == STORE_CONFLICT && k->tries++ < TRIES_MAX)
        people_passkey_read(k); /* somebody was faster */
    else if (!people_login_failed(k->call))
        k->changed(k);
}

static void put_passkeys(struct passkey_call *k)
{
    struct call *call = k->call;

    assert(k->spent || !k->spends);
    (void)call_request(call, k->people->owner, passkey_put);
    call->q.put.pk = keys_of_user(k->l.user, call->key);
    call->q.put.sk = KEYS_PASSKEYS;
    call->q.put.body = buf_peek(&k->out);
    call->q.put.expect = k->l.passkeys_rev;
    store_put(k->people->owner->store, &call->q.put);
}

static void challenge_spent(struct store_req *req)
{
    struct passkey_call *k = people_passkey_of(call_of(req));

    k->spent = req->result == STORE_OK;
    if (k->spent && k->refused == NULL) {
        put_passkeys(k);
        return;
    }
    buf_fini(&k->out);
    if (k->spent)
        k->refused(k);
    else if (req->result == STORE_CONFLICT)
        call_fail(k->call, ERROR_passkey_stale);
    else
        call_fail_store(k->call, req->result);
}

static void spend_challenge(struct passkey_call *k)
{
    struct call *call = k->call;

    (void)call_request(call, k->people->owner, challenge_spent);
    call->q.put.pk = keys_of_challenge(k->challenge.nonce, call->key);
    call->q.put.sk = KEYS_SPENT;
    call->q.put.body = STR("1");
    call->q.put.expect = 0;
    call->q.put.expires_ms = k->challenge.expires_ms + SPENT_KEPT_MS;
    store_put(k->people->owner->store, &call->q.put);
}

static void passkeys_read(struct call *call, struct passkeys *keys)
{
    struct passkey_call *k = people_passkey_of(call);

    if (!k->change(k, keys))
        return;
    passkey_encode(keys, &k->out);
    if (k->out.failed) {
        buf_fini(&k->out);
        call_fail(call, ERROR_internal);
    } else if (k->spends && !k->spent) {
        spend_challenge(k);
    } else if (k->refused != NULL) {
        buf_fini(&k->out);
        k->refused(k);
    } else {
        put_passkeys(k);
    }
}

static void people_passkey_read(struct passkey_call *k)
{
    buf_init(&k->out, PASSKEY_BODY_MAX);
    people_passkeys_read(k->call, passkeys_read);
}

void people_passkey_change(struct passkey_call *k, passkey_change_f *change,
                           void (*changed)(struct passkey_call *k))
{
    assert(k->l.user != 0);
    k->change = change;
    k->changed = changed;
    people_passkey_read(k);
}
