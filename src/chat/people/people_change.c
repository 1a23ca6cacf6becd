/* password, recover, reset.
 *
 *   password   the person's records --> old is right? ---.
 *   reset      the records of the code's person --> code is right? --> hasher --> one put
 *                                                                                  |
 *                              a new session <-- all sessions end <----------------'
 *
 * The put has the revision that was read: of two that use a link at once, one does. With the new
 * hash the link goes. A recovery code is "<user>-<128 random bits>"; its hash is kept.
 *
 * Whoever came by a name alone sets a first password so. Of an owner's name only a session with the
 * rights may: by a name alone anybody has one without. */
#include "chat/people/people_change.h"

#include "base/hex.h"
#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"
#include "chat/people/people_login_impl.h"
#include "chat/people/people_off.h"

#include <sodium.h>
#include <stdio.h>

#define RECOVERY_MS 86400000u
#define TRIES_MAX 4

static_assert(PEOPLE_RECOVERY_N == 2 * crypto_generichash_BYTES_MIN, "");

static void hash_code(struct str code, char hex[static PEOPLE_RECOVERY_N])
{
    uint8_t hash[crypto_generichash_BYTES_MIN];

    (void)crypto_generichash(hash, sizeof(hash), code.p, code.n, NULL, 0);
    (void)hex_write(hex, hash, sizeof(hash));
}

/* The new password. */

static void change_put(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_CONFLICT) { /* somebody was faster: what was proven is no longer so */
        call_fail(call, call->cmd.id == COMMAND_reset ? ERROR_bad_code : ERROR_bad_login);
        return;
    }
    if (people_login_failed(call))
        return;
    people_login_renew(call);
}

static void change_hashed(struct call *call)
{
    struct login *l = people_login_of(call);

    if (!people_login_right(call))
        return;
    assert(l->user != 0 && l->known);
    memcpy(l->password.hash, l->job.hash, sizeof(l->password.hash));
    l->password.recovery[0] = '\0';
    people_password_learn(&l->password, call->place);
    people_login_put_password(call, change_put);
}

static void set_password(struct call *call, struct str text, const char *param)
{
    struct login *l = people_login_of(call);

    if (!people_login_text(l, text) || password_is_name(text, people_login_name(l))) {
        call->param = param;
        call_fail(call, ERROR_bad_password);
        return;
    }
    people_login_make(call, change_hashed);
}

static void old_compared(struct call *call)
{
    if (people_login_right(call))
        set_password(call, call->cmd.new, "new");
}

static void old_read(struct call *call)
{
    struct login *l = people_login_of(call);

    if (l->password.hash[0] == '\0' && l->owner && !call->who.super) {
        call_fail(call, ERROR_forbidden);
    } else if (l->password.hash[0] == '\0') {
        set_password(call, call->cmd.new, "new");
    } else if (!people_login_text(l, call->cmd.old)) {
        call->param = "old";
        call_fail(call, ERROR_bad_login);
    } else {
        memcpy(l->job.hash, l->password.hash, sizeof(l->job.hash));
        call->param = "old";
        people_login_compare(call, old_compared);
    }
}

static void change_user(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (!people_login_take_user(call, ERROR_no_such_user))
        return;
    (void)!names_fold(people_login_name(l), l->key, &l->key_n); /* it is a name */
    people_login_read_password(call, old_read);
}

void people_change(struct people *p, struct call *call)
{
    struct login *l = people_login_begin(p, call, STR("user"), p->token_ttl_ms);

    assert(l != NULL);
    l->user = call->who.user;
    if (p->ways.hasher == NULL)
        call_fail(call, ERROR_way_closed);
    else
        people_login_read_user(call, change_user);
}

/* A link. */

static void recover_put(struct store_req *req);

static void recover_read(struct call *call)
{
    struct login *l = people_login_of(call);
    struct owner *o = l->people->owner;
    char code[64];
    int n = snprintf(code, sizeof(code), "%llu-%016llx%016llx", (unsigned long long)l->user,
                     (unsigned long long)o->ops->random(o), (unsigned long long)o->ops->random(o));

    assert(l->user != 0 && l->known);
    l->expires_ms = owner_wall_ms(o) + RECOVERY_MS;
    l->password.recovery_ms = l->expires_ms;
    hash_code((struct str){(const uint8_t *)code, (size_t)n}, l->password.recovery);
    l->password.recovery[PEOPLE_RECOVERY_N] = '\0';
    buf_clear(&call->ok);
    json_out_init(&call->out, &call->ok);
    json_out_field_str(&call->out, "code", str_of(code));
    event_user(&call->out, "user", l->user, people_login_name(l));
    json_out_field_u64(&call->out, "expires", l->expires_ms);
    people_login_put_password(call, recover_put);
}

static void recover_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (req->result == STORE_CONFLICT && l->tries++ < TRIES_MAX)
        people_login_read_password(call, recover_read); /* a login has written its place */
    else if (!people_login_failed(call))
        call_ok(call);
}

static void recover_user(struct store_req *req)
{
    struct call *call = call_of(req);

    if (people_login_take_user(call, ERROR_no_such_user))
        people_login_read_password(call, recover_read);
}

static void recover_found(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);

    if (!people_login_found(call, &l->user))
        return;
    if (l->user == 0)
        call_fail(call, ERROR_no_such_user);
    else
        people_login_read_user(call, recover_user);
}

void people_change_recover(struct people *p, struct call *call)
{
    if (!call->who.super)
        call_fail(call, ERROR_forbidden);
    else if (p->ways.hasher == NULL)
        call_fail(call, ERROR_way_closed);
    else if (people_login_begin(p, call, call->cmd.name, p->token_ttl_ms) != NULL)
        people_login_find(call, recover_found);
}

/* Nothing changes for who would not get in. */
static void reset_off_read(struct store_req *req)
{
    struct call *call = call_of(req);

    assert(call->cmd.id == COMMAND_reset);
    if (people_off_passes(call))
        set_password(call, call->cmd.password, "password");
}

static void reset_read(struct call *call)
{
    struct login *l = people_login_of(call);
    char hex[PEOPLE_RECOVERY_N];
    bool right;

    assert(l->user != 0 && l->known);
    hash_code(call->cmd.code, hex);
    right = l->password.recovery[0] != '\0' &&
            sodium_memcmp(hex, l->password.recovery, sizeof(hex)) == 0 &&
            owner_wall_ms(l->people->owner) < l->password.recovery_ms;
    if (right)
        people_off_ask(l->people, call, l->user, reset_off_read);
    else
        call_fail(call, ERROR_bad_code);
}

static void reset_user(struct store_req *req)
{
    struct call *call = call_of(req);

    if (people_login_take_user(call, ERROR_bad_code))
        people_login_read_password(call, reset_read);
}

void people_change_reset(struct people *p, struct call *call)
{
    struct str rest = call->cmd.code;
    struct login *l = people_login_begin(p, call, STR("user"), p->token_ttl_ms);

    assert(l != NULL);
    if (p->ways.hasher == NULL)
        call_fail(call, ERROR_way_closed);
    else if (!str_to_u64(str_cut(&rest, '-'), &l->user) || l->user == 0)
        call_fail(call, ERROR_bad_code);
    else
        people_login_read_user(call, reset_user);
}
