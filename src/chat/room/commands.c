#include "chat/room/commands.h"

#include "chat/room/audit.h"
#include "chat/room/change.h"
#include "chat/room/order.h"

#include <stdio.h>

/* Of those that concern a room; the others never get here. */
static call_handler_f *const handlers[COMMAND_N] = {
    [COMMAND_join] = cmd_join_run,
    [COMMAND_room_create] = cmd_join_create,
    [COMMAND_leave] = cmd_join_leave,
    [COMMAND_send] = cmd_send_run,
    [COMMAND_edit] = change_run,
    [COMMAND_delete] = change_run,
    [COMMAND_react] = change_run,
    [COMMAND_history] = cmd_history_run,
    [COMMAND_typing] = cmd_typing_run,
    [COMMAND_read] = cmd_typing_read,
    [COMMAND_presence] = cmd_typing_presence,
    [COMMAND_room_set] = cmd_room_set,
    [COMMAND_room_pref] = cmd_pref_run,
    [COMMAND_room_delete] = cmd_room_delete,
    [COMMAND_filter_set] = cmd_room_filter,
    [COMMAND_filter] = cmd_filter_show,
    [COMMAND_member_set] = cmd_member_set,
    [COMMAND_kick] = cmd_member_kick,
    [COMMAND_purge] = cmd_purge_run,
    [COMMAND_report] = cmd_report_run,
    [COMMAND_reports] = cmd_report_list,
    [COMMAND_report_resolve] = cmd_report_resolve,
    [COMMAND_members] = cmd_member_list,
    [COMMAND_invite_create] = cmd_invite_run,
    [COMMAND_invites] = cmd_invite_run,
    [COMMAND_invite_revoke] = cmd_invite_run,
    [COMMAND_invite_use] = cmd_invite_use,
    [COMMAND_dm] = cmd_dm_run,
    [COMMAND_block] = cmd_block_run,
};

bool commands_is_of_room(enum command_id id)
{
    assert(id < COMMAND_N);
    return handlers[id] != NULL;
}

void commands_handle(struct room *r, struct call *call)
{
    call_handler_f *handler;

    assert(call->room == r);
    if (order_holds(r, call))
        return;
    handler = call->handler != NULL ? call->handler : handlers[call->cmd.id];
    if (handler == NULL)
        call_fail(call, ERROR_internal);
    else if (audit_opens(r, call))
        audit_open(r, call, handler);
    else
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
