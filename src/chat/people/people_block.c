#include "chat/people/people_block.h"

#include "base/str.h"
#include "chat/model/event.h"
#include "chat/model/keys.h"

#define BLOCKS_MAX 200

static void blocks_listed(struct store_req *req)
{
    struct call *call = call_of(req);
    struct store_item item = {0};
    size_t at = 0;

    assert(call->q.list.limit > 0);
    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    json_out_key(&call->out, "blocks");
    json_out_array(&call->out);
    while (store_block_next(call->q.list.ret_block, &at, &item)) {
        uint64_t user;

        if (str_to_u64(str_skip(item.name, KEYS_BLOCKS.n), &user))
            event_user(&call->out, NULL, user, item.body);
    }
    json_out_array_end(&call->out);
    if (call->q.list.ret_n == call->q.list.limit) /* item is the last */
        json_out_field_str(&call->out, "next", str_skip(item.name, KEYS_BLOCKS.n));
    frame_unref(call->q.list.ret_block);
    call_ok(call);
}

void people_block_list(struct people *p, struct call *call)
{
    const struct command *c = &call->cmd;
    uint64_t after;

    if (command_has(c, PARAM_next) && !str_to_u64(c->next, &after)) {
        call->param = "next";
        call_fail(call, ERROR_bad_value);
        return;
    }
    assert(call->who.user != 0);
    (void)call_request(call, p->owner, blocks_listed);
    call->q.list.pk = keys_of_user(call->who.user, call->key);
    call->q.list.prefix = KEYS_BLOCKS;
    if (command_has(c, PARAM_next))
        call->q.list.after = keys_block(after, call->key2);
    call->q.list.limit =
        command_has(c, PARAM_limit) && c->limit > 0 ? (unsigned)c->limit : BLOCKS_MAX;
    store_list(p->owner->store, &call->q.list);
}
