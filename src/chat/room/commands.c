#include "chat/room/commands.h"

#include "chat/room/change.h"
#include "chat/room/order.h"

#include <stdio.h>

static void internal(struct room *r, struct call *call)
{
    (void)r;
    call_fail(call, ERROR_internal);
}

/* For commands that concern a room; the others never get here. */
static call_handler_f *handler_of(enum command_id id)
{
    switch (id) {
    case COMMAND_join:
        return cmd_join_run;
    case COMMAND_room_create:
        return cmd_join_create;
    case COMMAND_leave:
        return cmd_join_leave;
    case COMMAND_send:
        return cmd_send_run;
    case COMMAND_edit:
    case COMMAND_delete:
    case COMMAND_react:
        return change_run;
    case COMMAND_history:
        return cmd_history_run;
    case COMMAND_typing:
        return cmd_typing_run;
    case COMMAND_read:
        return cmd_typing_read;
    case COMMAND_presence:
        return cmd_typing_presence;
    case COMMAND_room_set:
        return cmd_room_set;
    case COMMAND_room_pref:
        return cmd_pref_run;
    case COMMAND_room_delete:
        return cmd_room_delete;
    case COMMAND_filter_set:
        return cmd_room_filter;
    case COMMAND_filter:
        return cmd_filter_show;
    case COMMAND_member_set:
        return cmd_member_set;
    case COMMAND_members:
        return cmd_member_list;
    case COMMAND_invite_create:
    case COMMAND_invites:
    case COMMAND_invite_revoke:
        return cmd_invite_run;
    case COMMAND_invite_use:
        return cmd_invite_use;
    case COMMAND_dm:
        return cmd_dm_run;
    case COMMAND_block:
        return cmd_block_run;
    case COMMAND_NONE:
    case COMMAND_ways:
    case COMMAND_login:
    case COMMAND_signup:
    case COMMAND_password:
    case COMMAND_recover:
    case COMMAND_reset:
    case COMMAND_token:
    case COMMAND_auth:
    case COMMAND_logout:
    case COMMAND_key_create:
    case COMMAND_keys:
    case COMMAND_key_revoke:
    case COMMAND_sessions:
    case COMMAND_resume:
    case COMMAND_rooms:
    case COMMAND_directory:
    case COMMAND_users:
    case COMMAND_profile_set:
    case COMMAND_profiles:
    case COMMAND_deactivate:
    case COMMAND_blocks:
    case COMMAND_ping:
    case COMMAND_N:
        break;
    }
    return internal;
}

void commands_handle(struct room *r, struct call *call)
{
    call_handler_f *handler;

    assert(call->room == r);
    if (order_holds(r, call))
        return;
    handler = call->handler != NULL ? call->handler : handler_of(call->cmd.id);

    handler(r, call);
}

struct str commands_room(const struct call *call, char buf[static KEYS_ROOM_MAX])
{
    uint64_t a = call->who.user, b = call->cmd.user;
    struct group g;
    int n;

    if (call->cmd.id != COMMAND_dm && call->cmd.id != COMMAND_block)
        return call->cmd.room;
    if (call->cmd.id == COMMAND_dm && command_has(&call->cmd, PARAM_users) &&
        group_parse(call->cmd.users, a, &g))
        return group_room(&g, buf);
    n = snprintf(buf, KEYS_ROOM_MAX, "dm:%llu:%llu", (unsigned long long)MIN(a, b),
                 (unsigned long long)MAX(a, b));
    return (struct str){(const uint8_t *)buf, (size_t)n};
}
