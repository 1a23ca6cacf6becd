/* member_set, members: changes of a room's people, as entries of its log, and the list
 * of those who have a role. */
#include "chat/people/people_user.h"
#include "chat/room/append.h"
#include "chat/room/commands.h"
#include "chat/room/invite.h"
#include "chat/room/order.h"
#include "chat/room/reads.h"

#include "base/str.h"

#include <stdlib.h>

static enum call_proposal cmd_member_fail(struct call *call, enum error_code e)
{
    assert(e != ERROR_NONE);
    call_fail(call, e);
    return CALL_ANSWERED;
}

static enum call_proposal set_propose(struct room *r, struct call *call)
{
    enum access_role role = access_role_find(call->cmd.role);
    enum error_code e = room_readable(r, &call->who);

    if (e == ERROR_NONE)
        e = access_grant(&r->access, call->who.user, call->who.super, call->cmd.user, role,
                         owner_wall_ms(r->owner));
    return e != ERROR_NONE ? cmd_member_fail(call, e) : CALL_APPEND;
}

static void cmd_member_listed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (reads_listed(call))
        invite_tell(call->room, call, call->cmd.user, cmd_room_changed);
}

/* Who was added, or may do more than before, has the room on their list and is told
 * of it, however long they are away: before the answer. */
static void set_appended(struct room *r, struct call *call)
{
    enum access_role role = access_role_find(call->cmd.role);
    bool told = role == ACCESS_OWNER || role == ACCESS_MODERATOR ||
                (role == ACCESS_MEMBER && r->access.kind == ACCESS_PRIVATE);

    assert(call->room == r && call->seq > 0);
    if (told && call->cmd.user != call->who.user)
        reads_list(r, call, call->cmd.user, call->seq, call->entry.count, cmd_member_listed);
    else
        cmd_room_changed(r, call);
}

static void user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;

    if (!people_user_take(call))
        return;
    call->entry = (struct entry){
        .kind = ENTRY_MEMBER,
        .from_id = call->who.user,
        .from_name = call->who.name,
        .user_id = call->cmd.user,
        .user_name = str_of(call->state),
        .role = call->cmd.role,
        .until_ms = call->cmd.until,
    };
    call->alone = true;
    call->propose = set_propose;
    call->appended = set_appended;
    append_propose(r, call);
}

void cmd_member_set(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    order_prepares(r, call, false);
    people_user_ask(r, call, call->cmd.user, user_read);
}

void cmd_member_list(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);
    struct json_out *o = &call->out;
    struct map_iter it;

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    json_out_key(o, "members");
    json_out_array(o);
    for (struct map_node *n = map_first(&r->access.members, &it); n != NULL; n = map_next(&it)) {
        const struct access_member *m = CONTAINER_OF(n, struct access_member, node);

        json_out_object(o);
        json_out_field_u64(o, "id", m->user);
        json_out_field_str(o, "name", (struct str){(const uint8_t *)m->name, m->name_n});
        json_out_field_str(o, "role", str_of(access_role_name(m->role)));
        if (m->until_ms > 0)
            json_out_field_u64(o, "until", m->until_ms);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    call_ok(call);
}
