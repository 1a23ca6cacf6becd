#include "chat/command/dispatch.h"

#include "chat/command/cmd_invite.h"
#include "chat/people/people_change.h"
#include "chat/people/people_signup.h"
#include "chat/room/commands.h"

static void dispatch_to_room(struct owner *o, struct call *call)
{
    char buf[KEYS_ROOM_MAX];

    o->ops->route(o, call, commands_room(call, buf));
}

bool dispatch_enters(enum command_id id)
{
    return id == COMMAND_login || id == COMMAND_signup || id == COMMAND_reset;
}

bool dispatch_names_alone(const struct command *cmd)
{
    return cmd->id == COMMAND_login && !command_has(cmd, PARAM_password);
}

void dispatch_enter(struct people *p, struct call *call)
{
    assert(dispatch_enters(call->cmd.id));
    if (call->cmd.id == COMMAND_signup)
        people_signup(p, call);
    else if (call->cmd.id == COMMAND_reset)
        people_change_reset(p, call);
    else
        people_login(p, call);
}

void dispatch_run(struct people *p, struct call *call)
{
    struct owner *o = p->owner;

    assert(call->done != NULL && call->done == call->returned);
    switch (call->cmd.id) {
    case COMMAND_ways:
        people_signup_ways(p, call);
        break;
    case COMMAND_password:
        people_change(p, call);
        break;
    case COMMAND_recover:
        people_change_recover(p, call);
        break;
    case COMMAND_token:
        people_login_token(p, call);
        break;
    case COMMAND_logout:
        people_logout(p, call);
        break;
    case COMMAND_sessions:
        people_sessions(p, call);
        break;
    case COMMAND_key_create:
        people_keys_create(p, call);
        break;
    case COMMAND_keys:
        people_keys(p, call);
        break;
    case COMMAND_key_revoke:
        people_keys_revoke(p, call);
        break;
    case COMMAND_users:
        people_users(p, call);
        break;
    case COMMAND_rooms:
        people_rooms(p, call);
        break;
    case COMMAND_directory:
        directory_run(&p->directory, call);
        break;
    case COMMAND_room_create:
        command_name_room(&call->cmd, o->ops->random(o));
        dispatch_to_room(o, call);
        break;
    case COMMAND_invite_use:
        cmd_invite_enter(p, call);
        break;
    case COMMAND_invite_create:
    case COMMAND_invites:
    case COMMAND_invite_revoke:
        if (command_has(&call->cmd, PARAM_room))
            dispatch_to_room(o, call);
        else
            cmd_invite_server(p, call);
        break;
    case COMMAND_join:
    case COMMAND_leave:
    case COMMAND_send:
    case COMMAND_edit:
    case COMMAND_delete:
    case COMMAND_react:
    case COMMAND_history:
    case COMMAND_typing:
    case COMMAND_read:
    case COMMAND_presence:
    case COMMAND_room_set:
    case COMMAND_member_set:
    case COMMAND_members:
    case COMMAND_dm:
        dispatch_to_room(o, call);
        break;
    case COMMAND_NONE:
    case COMMAND_login:
    case COMMAND_signup:
    case COMMAND_reset:
    case COMMAND_auth:
    case COMMAND_resume:
    case COMMAND_ping:
    case COMMAND_N:
        call_fail(call, ERROR_unknown_command);
        break;
    }
}
