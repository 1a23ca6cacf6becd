#include "chat/people/people_passkeys.h"

#include "chat/people/people_login_impl.h"

static void passkeys_came(struct store_req *req)
{
    struct call *call = call_of(req);
    struct login *l = people_login_of(call);
    struct frame *body = call->q.get.ret_body;
    struct passkeys keys = {0};

    if (people_login_failed(call))
        return;
    l->passkeys_rev = call->q.get.ret_rev;
    if (body == NULL || passkey_decode(frame_str(body), &keys))
        l->keys_read(call, &keys);
    else
        call_fail(call, ERROR_internal);
    frame_unref(body);
}

void people_passkeys_read(struct call *call, void (*read)(struct call *call, struct passkeys *keys))
{
    struct login *l = people_login_of(call);

    l->keys_read = read;
    (void)call_request(call, l->people->owner, passkeys_came);
    call->q.get.pk = keys_of_user(l->user, call->key);
    call->q.get.sk = KEYS_PASSKEYS;
    store_get(l->people->owner->store, &call->q.get);
}
