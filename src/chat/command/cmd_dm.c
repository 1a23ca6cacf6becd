/* dm: the direct room with a person. Its id says who may read it; making it also
 * puts it on both lists and tells both in their own logs. */
#include "chat/command/cmd_group.h"
#include "chat/model/event.h"
#include "chat/people/people_user.h"
#include "chat/room/append.h"
#include "chat/room/commands.h"
#include "chat/room/direct.h"
#include "chat/room/invite.h"
#include "chat/room/order.h"
#include "chat/room/reads.h"

#include "base/str.h"

static void cmd_dm_answer(struct room *r, struct call *call)
{
    struct json_out *o = &call->out;

    assert(call->room == r && call->state != NULL);
    json_out_key(o, "room");
    json_out_object(o);
    room_describe_members(r, true, o);
    event_user(o, "peer", call->cmd.user, str_of(call->state));
    json_out_object_end(o);
    call_ok(call);
}

static void list_done(struct store_req *req)
{
    struct call *call = call_of(req);

    if (reads_listed(call))
        cmd_dm_answer(call->room, call);
}

static void list_peer(struct room *r, struct call *call)
{
    reads_list(r, call, call->cmd.user, 0, 0, list_done);
}

static void list_self_done(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!reads_listed(call))
        return;
    if (call->seq == 0) /* it was there: only the caller asked to have it on their list */
        cmd_dm_answer(call->room, call);
    else
        invite_tell(call->room, call, call->cmd.user, list_peer);
}

static void list_self(struct room *r, struct call *call)
{
    reads_list(r, call, call->who.user, 0, 0, list_self_done);
}

static enum call_proposal dm_propose(struct room *r, struct call *call)
{
    assert(call->room == r && call->state != NULL);
    if (!room_exists(r))
        return direct_propose(r, call);
    list_self(r, call);
    return CALL_PARKED;
}

static void dm_appended(struct room *r, struct call *call)
{
    assert(call->seq > 0);
    invite_tell(r, call, call->who.user, list_self);
}

static void peer_read(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!people_user_take(call))
        return;
    call->entry = (struct entry){.kind = ENTRY_ROOM,
                                 .room_kind = STR("direct"),
                                 .from_id = call->who.user,
                                 .from_name = call->who.name};
    call->alone = true;
    call->propose = dm_propose;
    call->appended = dm_appended;
    append_propose(call->room, call);
}

void cmd_dm_run(struct room *r, struct call *call)
{
    if (r->access.kind == ACCESS_GROUP) {
        cmd_group_run(r, call);
        return;
    }
    if (call->cmd.user == call->who.user) {
        call->param = "user";
        call_fail(call, ERROR_bad_value);
        return;
    }
    order_prepares(r, call, true);
    people_user_ask(r, call, call->cmd.user, peer_read);
}
