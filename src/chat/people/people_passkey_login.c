/* passkey_login, passkey_signup. */
#include "base/str.h"
#include "chat/people/people_passkey_impl.h"
#include "chat/people/people_signup.h"

/* passkey_login */

/* Of a place, whatever passkey it was said to be. */
static struct guess guess_of(const struct call *call)
{
    return (struct guess){hasher_mark(STR("passkey")), call->place, true};
}

static bool login_wrong(struct passkey_call *k, enum error_code code)
{
    struct guess guess = guess_of(k->call);
    char told[HASHER_TOLD_MAX];

    hasher_guessed(k->people->ways.passkeys.guard, &guess, false);
    bus_cast(k->people->owner->bus, PEOPLE_GUESSED, hasher_tell(&guess, told));
    call_fail(k->call, code);
    return false;
}

/* What a sign-up left that did not get the name, or has not yet, opens nothing. */
static void login_name_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    uint64_t user;

    (void)req;
    if (!people_login_found(call, &user))
        return;
    if (user == l->user)
        people_login_enter(call);
    else
        call_fail(call, ERROR_bad_passkey);
}

static void login_user(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (!people_login_take_user(call, ERROR_bad_passkey))
        return;
    if (names_fold(people_login_name(l), l->key, &l->key_n))
        people_login_find(call, login_name_read);
    else
        call_fail(call, ERROR_bad_passkey);
}

static void login_changed(struct passkey_call *k)
{
    struct guess guess = guess_of(k->call);

    assert(k->spent);
    k->l.proven = true;
    hasher_guessed(k->people->ways.passkeys.guard, &guess, true);
    people_login_read_user(k->call, login_user);
}

/* Is what the authenticator said signed by that passkey? */
static bool is_proven(struct passkey_call *k, const struct passkey *key, uint32_t *ret_count)
{
    const struct command *c = &k->call->cmd;
    uint8_t bytes[BASE64_DECODED_MAX(sizeof(k->key))];
    size_t n;

    return key->key.n <= sizeof(k->key) && base64_decode(BASE64_URL, key->key, bytes, &n) &&
           webauthn_proven(c->authenticator, c->client_data, c->signature, k->rp,
                           (struct str){bytes, n}, ret_count) == WEBAUTHN_OK;
}

static void login_copied(struct passkey_call *k)
{
    (void)login_wrong(k, ERROR_passkey_copied);
}

/* What was said before is told from a copy by its challenge, which is spent. */
static bool login_change(struct passkey_call *k, struct passkeys *keys)
{
    struct passkey *key = passkey_find(keys, k->call->cmd.credential);
    uint32_t count;

    if (key == NULL || keys->salt != k->salt || !str_eq(key->rp, k->rp) ||
        !is_proven(k, key, &count))
        return login_wrong(k, ERROR_bad_passkey);
    if (!passkey_counts_on(key, count)) {
        k->refused = login_copied;
        return true;
    }
    key->count = count;
    key->used_ms = owner_wall_ms(k->people->owner);
    return true;
}

void people_passkey_login(struct people *p, struct call *call)
{
    struct passkey_call *k = people_passkey_call_new(p, call, (struct str){0});
    struct command *c = &call->cmd;
    struct guess guess = guess_of(call);
    uint64_t wait_ms;

    assert(k != NULL);
    if (!people_passkey_page(k, PASSKEY_LOGIN))
        return;
    wait_ms = hasher_guess(p->ways.passkeys.guard, &guess, owner_now_ms(p->owner));
    if (wait_ms > 0)
        call_fail_until(call, ERROR_rate_limited, wait_ms);
    else if (people_passkey_decode(&c->authenticator) && people_passkey_decode(&c->signature) &&
             people_passkey_decode(&c->handle) &&
             passkey_handle_read(c->handle, &k->l.user, &k->salt))
        people_passkey_change(k, login_change, login_changed);
    else
        (void)login_wrong(k, ERROR_bad_passkey);
}

/* passkey_signup: as chat/people/people_signup.c has it, the passkey in the place of a password. */

static bool signup_change(struct passkey_call *k, struct passkeys *keys)
{
    if (k->l.passkeys_rev != 0) {
        call_fail(k->call,
                  ERROR_passkey_stale); /* the number is somebody's: this was said before */
        return false;
    }
    keys->salt = k->challenge.salt;
    return people_passkey_put_in(k, keys);
}

static void signup_changed(struct passkey_call *k)
{
    people_signup_write(k->call);
}

static void signup_free(struct call *call)
{
    struct passkey_call *k = people_passkey_of(call);

    k->l.user = k->challenge.user;
    people_passkey_change(k, signup_change, signup_changed);
}

void people_passkey_login_signup(struct people *p, struct call *call)
{
    struct passkey_call *k = people_passkey_call_new(p, call, call->cmd.name);

    if (k == NULL || !people_passkey_page(k, PASSKEY_SIGNUP))
        return;
    if (k->challenge.context != people_passkey_mark(k) || k->challenge.user == 0)
        people_passkey_bad(call, ERROR_passkey_stale, "name");
    else if (people_passkey_made(k))
        people_signup_may(p, call, signup_free);
}
