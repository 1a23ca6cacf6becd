/* dm: the direct room with a person. Its id says who may read it; making it also
 * puts it on both lists and tells both in their own logs. */
#include "chat/append.h"
#include "chat/commands.h"
#include "chat/invite.h"
#include "chat/people_user.h"
#include "chat/reads.h"

#include "base/str.h"

static void answer(struct room *r, struct call *call)
{
    struct json_out *o = &call->out;

    json_out_key(o, "room");
    json_out_object(o);
    room_describe_members(r, o);
    json_out_key(o, "peer");
    json_out_object(o);
    json_out_field_u64(o, "id", call->cmd.user);
    json_out_field_str(o, "name", str_of(call->state));
    json_out_object_end(o);
    json_out_object_end(o);
    call_ok(call);
}

static void list_for(struct room *r, struct call *call, uint64_t user, store_done_f *done)
{
    (void)call_request(call, r->owner->home, done);
    call->q.put.pk = reads_pk(user, call->key);
    call->q.put.sk = reads_sk(room_id(r), call->key2);
    call->q.put.body = STR("0 0");
    store_put(r->owner->store, &call->q.put);
}

static void listed_for_peer(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result != STORE_OK && req->result != STORE_CONFLICT)
        call_fail_store(call, req->result);
    else
        answer(call->room, call);
}

static void listed_for_self(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result != STORE_OK && req->result != STORE_CONFLICT)
        call_fail_store(call, req->result);
    else
        list_for(call->room, call, call->cmd.user, listed_for_peer);
}

static enum call_proposal dm_propose(struct room *r, struct call *call)
{
    if (!room_exists(r))
        return CALL_APPEND;
    list_for(r, call, call->who.user, listed_for_self);
    return CALL_PARKED;
}

static void dm_appended(struct room *r, struct call *call)
{
    invite_send(r, call->cmd.user, &call->who, call->seq);
    invite_send(r, call->who.user, &call->who, call->seq);
    list_for(r, call, call->who.user, listed_for_self);
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
    if (call->cmd.user == call->who.user) {
        call->param = "user";
        call_fail(call, ERROR_bad_value);
        return;
    }
    people_user_ask(r, call, call->cmd.user, peer_read);
}
