/* member_set, kick, members: changes of a room's people, as entries of its log, and the list
 * of those who have a role. */
#include "chat/people/people_user.h"
#include "chat/room/append.h"
#include "chat/room/audit.h"
#include "chat/room/commands.h"
#include "chat/room/invite.h"
#include "chat/room/order.h"
#include "chat/room/reads.h"

#include "base/str.h"

#include <stdlib.h>

#define LASTS_MAX_MS (UINT64_C(3650) * 24 * 3600 * 1000)

static enum call_proposal cmd_member_fail(struct call *call, enum error_code e)
{
    assert(e != ERROR_NONE);
    call_fail(call, e);
    return CALL_ANSWERED;
}

/* Which act it is to give the role to somebody who has theirs; "": none. */
static const char *act_name(const struct call *call, enum access_role role, enum access_role theirs)
{
    bool was_held = theirs == ACCESS_MUTED || theirs == ACCESS_BANNED;

    if (role == ACCESS_MUTED)
        return "mute";
    if (role == ACCESS_BANNED)
        return "ban";
    if (role == ACCESS_OWNER || role == ACCESS_MODERATOR || theirs == ACCESS_OWNER ||
        theirs == ACCESS_MODERATOR)
        return "role";
    if (was_held)
        return "release";
    return role == ACCESS_NONE && call->cmd.user != call->who.user ? "remove" : "";
}

static enum call_proposal set_propose(struct room *r, struct call *call)
{
    enum access_role role = access_role_find(call->cmd.role);
    uint64_t now = owner_wall_ms(r->owner);
    enum error_code e = room_readable(r, &call->who);
    const char *act;

    if (e == ERROR_NONE)
        e = access_grant(&r->access, call->who.user, call->who.super, call->cmd.user, role, now);
    if (e != ERROR_NONE)
        return cmd_member_fail(call, e);
    if (command_has(&call->cmd, PARAM_lasts))
        call->entry.until_ms = now + call->cmd.lasts;
    act = act_name(call, role, access_role(&r->access, call->cmd.user, now));
    call->entry.act = call->entry.text = (struct str){0};
    if (act[0] != '\0') {
        audit_mark(r, call, act);
        call->entry.text = call->cmd.reason;
    }
    return CALL_APPEND;
}

static void cmd_member_listed(struct store_req *req)
{
    struct call *call = call_of(req);

    if (reads_listed(call))
        invite_tell(call->room, call, call->cmd.user, cmd_room_changed);
}

/* Who was added, or may do more than before, has the room on their list and is told
 * of it, however long they are away: before the answer. */
static void set_noted(struct room *r, struct call *call)
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

static void set_appended(struct room *r, struct call *call)
{
    if (call->entry.act.n > 0)
        audit_then(r, call, set_noted);
    else
        set_noted(r, call);
}

static void member_propose(struct room *r, struct call *call, call_propose_f *propose,
                           call_handler_f *appended)
{
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
    call->propose = propose;
    call->appended = appended;
    append_propose(r, call);
}

static void user_read(struct store_req *req)
{
    struct call *call = call_of(req);
    struct room *r = call->room;

    if (people_user_take(call))
        member_propose(r, call, set_propose, set_appended);
}

void cmd_member_set(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    if (call->cmd.lasts > LASTS_MAX_MS) {
        call->param = "lasts";
        call_fail(call, ERROR_bad_value);
        return;
    }
    order_prepares(r, call, false);
    people_user_ask(r, call, call->cmd.user, user_read);
}

/* kick: the person goes off the room, and the room off their list; a mute stays where they can come
 * back by themselves. */

static enum call_proposal kick_propose(struct room *r, struct call *call)
{
    uint64_t now = owner_wall_ms(r->owner), user = call->cmd.user;
    enum access_role theirs = access_role(&r->access, user, now);
    enum error_code e = room_readable(r, &call->who);

    if (e == ERROR_NONE)
        e = access_grant(&r->access, call->who.user, call->who.super, user, ACCESS_NONE, now);
    if (e != ERROR_NONE)
        return cmd_member_fail(call, e);
    if (theirs == ACCESS_BANNED || (theirs == ACCESS_MUTED && r->access.kind == ACCESS_PUBLIC)) {
        call->entry.role = str_of(access_role_name(theirs));
        call->entry.until_ms = access_until_ms(&r->access, user);
    } else {
        call->entry.role = STR("none");
        call->entry.until_ms = 0;
    }
    audit_mark(r, call, "kick");
    call->entry.text = call->cmd.reason;
    return CALL_APPEND;
}

static void kick_unlisted(struct store_req *req)
{
    struct call *call = call_of(req);

    if (req->result == STORE_OK || req->result == STORE_CONFLICT)
        cmd_room_changed(call->room, call);
    else
        call_fail_store(call, req->result);
}

static void kick_noted(struct room *r, struct call *call)
{
    reads_drop(r, call->cmd.user);
    (void)call_request(call, r->owner, kick_unlisted);
    call->q.put.pk = keys_of_user(call->cmd.user, call->key);
    call->q.put.sk = keys_listed(room_id(r), call->key2);
    call->q.put.expect = STORE_REV_ANY;
    call->q.put.remove = true;
    store_put(r->owner->store, &call->q.put);
}

static void kick_appended(struct room *r, struct call *call)
{
    assert(call->seq > 0 && call->entry.act.n > 0);
    audit_then(r, call, kick_noted);
}

static void kick_user_read(struct store_req *req)
{
    struct call *call = call_of(req);

    if (people_user_take(call))
        member_propose(call->room, call, kick_propose, kick_appended);
}

void cmd_member_kick(struct room *r, struct call *call)
{
    enum error_code e = room_readable(r, &call->who);

    if (e == ERROR_NONE && call->cmd.user == call->who.user) {
        call->param = "user"; /* who goes, leaves */
        e = ERROR_bad_value;
    }
    if (e != ERROR_NONE) {
        call_fail(call, e);
        return;
    }
    order_prepares(r, call, false);
    people_user_ask(r, call, call->cmd.user, kick_user_read);
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
