#include "chat/people/people_user.h"

#include "base/str.h"
#include "chat/model/keys.h"
#include "chat/people/people.h"

void people_user_ask(struct room *r, struct call *call, uint64_t user, store_done_f *done)
{
    assert(call->room == r);
    (void)call_request(call, r->owner, done);
    call->q.get.pk = keys_of_user(user, call->key);
    call->q.get.sk = KEYS_USER;
    store_get(r->owner->store, &call->q.get);
}

bool people_user_take(struct call *call)
{
    struct frame *body = call->q.get.ret_body;
    struct str name;

    assert(call->room != NULL);
    if (call->q.req.result != STORE_OK) {
        call_fail_store(call, call->q.req.result);
        return false;
    }
    if (body == NULL || !people_decode(frame_str(body), &name, NULL)) {
        frame_unref(body);
        call_fail(call, ERROR_no_such_user);
        return false;
    }
    call->state = str_dup(name);
    frame_unref(body);
    return true;
}
