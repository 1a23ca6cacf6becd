/* purge: all messages of a person in a room are deleted: an entry that says so, before their texts
 * go (chat/room/purge.h). */
#include "chat/people/people_user.h"
#include "chat/room/append.h"
#include "chat/room/audit.h"
#include "chat/room/commands.h"
#include "chat/room/order.h"
#include "chat/room/purge.h"

#include "base/str.h"

/* Who has a higher role is purged by those alone who may take that role away. */
static enum error_code purge_check(struct room *r, const struct call *call)
{
    uint64_t now = owner_wall_ms(r->owner);
    enum error_code e = room_readable(r, &call->who);

    if (e == ERROR_NONE)
        e = access_may(&r->access, call->who.user, call->who.super, ACCESS_TO_hold, now);
    if (e == ERROR_NONE && call->cmd.user != call->who.user)
        e = access_grant(&r->access, call->who.user, call->who.super, call->cmd.user, ACCESS_MUTED,
                         now);
    return e == ERROR_NONE && r->access.purges_n == ACCESS_PURGES_MAX ? ERROR_too_many_purges : e;
}

static enum call_proposal cmd_purge_propose(struct room *r, struct call *call)
{
    enum error_code e = purge_check(r, call);

    assert(call->entry.kind == ENTRY_PURGE);
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return CALL_ANSWERED;
    }
    call->entry.target = append_next_seq(r);
    audit_mark(r, call, "purge");
    return CALL_APPEND;
}

static void cmd_purge_appended(struct room *r, struct call *call)
{
    purge_on(r); /* whether or not its moderators' log can be written */
    audit_then(r, call, cmd_room_changed);
}

static void purge_written(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result != STORE_OK) {
        call_fail_store(call, req->result);
        return;
    }
    call->entry = (struct entry){.kind = ENTRY_PURGE,
                                 .from_id = call->who.user,
                                 .from_name = call->who.name,
                                 .user_id = call->cmd.user,
                                 .user_name = str_of(call->state),
                                 .text = call->cmd.reason};
    call->alone = true;
    call->propose = cmd_purge_propose;
    call->appended = cmd_purge_appended;
    append_propose(call->room, call);
}

static void purge_user_read(struct store_req *req)
{
    struct call *call = call_of(req);

    if (!people_user_take(call))
        return;
    (void)call_request(call, call->room->owner, purge_written);
    call->q.put.pk = KEYS_DELETING;
    call->q.put.sk = room_id(call->room);
    call->q.put.body = STR("1");
    call->q.put.expect = STORE_REV_ANY;
    store_put(call->room->owner->store, &call->q.put);
}

void cmd_purge_run(struct room *r, struct call *call)
{
    enum error_code e = purge_check(r, call);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    order_prepares(r, call, false);
    people_user_ask(r, call, call->cmd.user, purge_user_read);
}
