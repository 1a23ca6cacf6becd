#include "chat/people_user.h"

#include "base/str.h"
#include "chat/people.h"
#include "chat/reads.h"

void people_user_ask(struct room *r, struct call *call, uint64_t user, store_done_f *done)
{
    (void)call_request(call, r->owner->home, done);
    call->q.get.pk = reads_pk(user, call->key);
    call->q.get.sk = STR("user");
    store_get(r->owner->store, &call->q.get);
}

bool people_user_take(struct call *call)
{
    struct frame *body = call->q.get.ret_body;
    struct str name;

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
