/* passkey_add, passkeys, passkey_rename, passkey_remove: one's own. */
#include "base/str.h"
#include "chat/people/people_passkey_impl.h"
#include "chat/people/people_passkeys.h"

/* passkey_add */

static bool add_change(struct passkey_call *k, struct passkeys *keys)
{
    if (k->l.passkeys_rev == 0) {
        keys->salt = k->challenge.salt;
    } else if (keys->salt != k->challenge.salt) {
        call_fail(k->call, ERROR_passkey_stale); /* another was the first meanwhile */
        return false;
    }
    return people_passkey_put_in(k, keys);
}

static void add_changed(struct passkey_call *k)
{
    json_out_field_u64(&k->call->out, "passkey", k->number);
    people_login_renew(k->call);
}

static void add_user(struct store_req *req)
{
    struct call *call = call_of(req);

    if (people_passkey_take_user(call))
        people_passkey_change(people_passkey_of(call), add_change, add_changed);
}

void people_passkey_own_add(struct people *p, struct call *call)
{
    struct passkey_call *k = people_passkey_call_new(p, call, (struct str){0});

    assert(k != NULL && call->who.user != 0);
    if (!people_passkey_page(k, PASSKEY_ADD))
        return;
    k->l.user = call->who.user;
    if (k->challenge.user != call->who.user || k->challenge.context != call->who.session)
        call_fail(call, ERROR_passkey_stale);
    else if (people_passkey_made(k))
        people_login_read_user(call, add_user);
}

/* passkeys */

static void list_read(struct call *call, struct passkeys *keys)
{
    struct json_out *o = &call->out;

    json_out_key(o, "passkeys");
    json_out_array(o);
    for (unsigned i = 0; i < keys->n; i++) {
        const struct passkey *key = &keys->at[i];

        json_out_object(o);
        json_out_field_u64(o, "id", key->created_ms);
        json_out_field_str(o, "title", key->title);
        json_out_field_str(o, "domain", key->rp);
        json_out_field_bool(o, "synced", (key->flags & PASSKEY_SYNCED) != 0);
        json_out_field_u64(o, "created", key->created_ms);
        if (key->used_ms > 0)
            json_out_field_u64(o, "used", key->used_ms);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    call_ok(call);
}

/* The call's state, for who calls it. */
static struct passkey_call *own_new(struct people *p, struct call *call)
{
    struct passkey_call *k = people_passkey_call_new(p, call, (struct str){0});

    assert(k != NULL && call->who.user != 0);
    k->l.user = call->who.user;
    return k;
}

void people_passkey_own_list(struct people *p, struct call *call)
{
    (void)own_new(p, call);
    people_passkeys_read(call, list_read);
}

/* passkey_rename */

static struct passkey *own_find(struct passkey_call *k, struct passkeys *keys)
{
    struct passkey *key = passkey_named(keys, k->call->cmd.passkey);

    if (key == NULL)
        people_passkey_bad(k->call, ERROR_no_such_passkey, "passkey");
    return key;
}

static bool rename_change(struct passkey_call *k, struct passkeys *keys)
{
    struct passkey *key = own_find(k, keys);

    if (key != NULL)
        key->title = k->call->cmd.title;
    return key != NULL;
}

static void rename_changed(struct passkey_call *k)
{
    json_out_field_u64(&k->call->out, "id", k->call->cmd.passkey);
    call_ok(k->call);
}

void people_passkey_own_rename(struct people *p, struct call *call)
{
    people_passkey_change(own_new(p, call), rename_change, rename_changed);
}

/* passkey_remove: a person without a password keeps the last one. */

static bool remove_change(struct passkey_call *k, struct passkeys *keys)
{
    bool password = k->people->ways.hasher != NULL && k->l.password.hash[0] != '\0';
    struct passkey *key = own_find(k, keys);

    if (key == NULL)
        return false;
    if (keys->n == 1 && !password) {
        call_fail(k->call, ERROR_last_way);
        return false;
    }
    passkey_remove(keys, key);
    return true;
}

static void remove_changed(struct passkey_call *k)
{
    people_login_renew(k->call);
}

static void remove_password_read(struct call *call)
{
    people_passkey_change(people_passkey_of(call), remove_change, remove_changed);
}

static void remove_user(struct store_req *req)
{
    struct call *call = call_of(req);

    if (people_passkey_take_user(call))
        people_login_read_password(call, remove_password_read);
}

void people_passkey_own_remove(struct people *p, struct call *call)
{
    (void)own_new(p, call);
    people_login_read_user(call, remove_user);
}
