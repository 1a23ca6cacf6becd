/* block: a person is blocked, or not any more. It runs at the owner of their direct room, which
 * remembers whether one blocks the other (chat/room/direct.h); all connections of the caller are
 * told. */
#include "base/str.h"
#include "chat/people/people_user.h"
#include "chat/room/commands.h"
#include "chat/room/direct.h"
#include "chat/room/order.h"
#include "chat/room/own.h"

static bool is_on(const struct call *call)
{
    return !command_has(&call->cmd, PARAM_on) || call->cmd.on;
}

static void block_told(struct call *call)
{
    assert(call->room != NULL);
    json_out_field_u64(&call->out, "user", call->cmd.user);
    json_out_field_bool(&call->out, "on", is_on(call));
    call_ok(call);
}

static void block_put(struct store_req *req)
{
    struct call *call = call_of(req);
    struct entry e = {.kind = ENTRY_BLOCK, .user_id = call->cmd.user, .on = is_on(call)};

    assert(call->room != NULL && call->cmd.user != call->who.user);
    direct_left(call->room); /* also if it failed: it may be there */
    bus_cast(call->room->owner->bus, room_id(call->room), DIRECT_LEFT);
    if (req->result != STORE_OK && req->result != STORE_CONFLICT) {
        call_fail_store(call, req->result);
        return;
    }
    if (e.on)
        e.user_name = str_of(call->state);
    own_tell(call->room->owner, call, &e, block_told);
}

static void put_block(struct call *call, struct str name)
{
    (void)call_request(call, call->room->owner, block_put);
    call->q.put.pk = keys_of_user(call->who.user, call->key);
    call->q.put.sk = keys_block(call->cmd.user, call->key2);
    call->q.put.body = name;
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = !is_on(call);
    store_put(call->room->owner->store, &call->q.put);
}

static void blocked_read(struct store_req *req)
{
    struct call *call = call_of(req);

    assert(call->room != NULL && is_on(call));
    if (people_user_take(call))
        put_block(call, str_of(call->state));
}

void cmd_block_run(struct room *r, struct call *call)
{
    assert(call->room == r);
    order_prepares(r, call, true);
    if (call->cmd.user == call->who.user || call->cmd.user == 0) {
        call->param = "user";
        call_fail(call, ERROR_bad_value);
    } else if (is_on(call)) {
        people_user_ask(r, call, call->cmd.user, blocked_read);
    } else {
        put_block(call, STR("-")); /* somebody who is gone can be let go of, too */
    }
}
