#include "chat/command/dispatch.h"

#include "base/str.h"
#include "chat/command/cmd_filter.h"
#include "chat/command/cmd_invite.h"
#include "chat/command/cmd_report.h"
#include "chat/model/group.h"
#include "chat/people/people_block.h"
#include "chat/people/people_bot.h"
#include "chat/people/people_bot_make.h"
#include "chat/people/people_change.h"
#include "chat/people/people_off.h"
#include "chat/people/people_passkey.h"
#include "chat/people/people_profile.h"
#include "chat/people/people_signup.h"
#include "chat/people/people_upsert.h"
#include "chat/room/audit.h"
#include "chat/room/commands.h"

static void dispatch_to_room(struct owner *o, struct call *call)
{
    char buf[KEYS_ROOM_MAX];

    struct str room = commands_room(call, buf);

    assert(room.n > 0);
    o->ops->route(o, call, room);
}

bool dispatch_enters(enum command_id id)
{
    return id == COMMAND_login || id == COMMAND_signup || id == COMMAND_reset ||
           id == COMMAND_passkey_login || id == COMMAND_passkey_signup;
}

bool dispatch_renews(enum command_id id)
{
    return id == COMMAND_password || id == COMMAND_passkey_add || id == COMMAND_passkey_remove;
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
    else if (call->cmd.id == COMMAND_passkey_login)
        people_passkey_login(p, call);
    else if (call->cmd.id == COMMAND_passkey_signup)
        people_passkey_login_signup(p, call);
    else
        people_login(p, call);
}

static void dispatch_ways(struct people *p, struct call *call)
{
    people_signup_ways(p, call, true);
}

static void dispatch_directory(struct people *p, struct call *call)
{
    directory_run(&p->directory, call);
}

static void dispatch_create(struct people *p, struct call *call)
{
    command_name_room(&call->cmd, p->owner->ops->random(p->owner));
    dispatch_to_room(p->owner, call);
}

static void dispatch_invite(struct people *p, struct call *call)
{
    if (command_has(&call->cmd, PARAM_room))
        dispatch_to_room(p->owner, call);
    else
        cmd_invite_server(p, call);
}

/* With users instead of user: which room it is, is known once they are read. */
static void dispatch_dm(struct people *p, struct call *call)
{
    struct command *cmd = &call->cmd;
    struct group g;

    if (command_has(cmd, PARAM_users)) {
        if (!group_parse(cmd->users, call->who.user, &g)) {
            call->param = "users";
            call_fail(call, ERROR_bad_value);
            return;
        }
        cmd->user = g.ids[0] == call->who.user ? g.ids[1] : g.ids[0];
    } else if (!command_has(cmd, PARAM_user)) {
        call->param = "user";
        call_fail(call, ERROR_missing_parameter);
        return;
    }
    dispatch_to_room(p->owner, call);
}

static void dispatch_reports(struct people *p, struct call *call)
{
    if (command_has(&call->cmd, PARAM_room))
        dispatch_to_room(p->owner, call);
    else
        cmd_report_server(p, call);
}

static void dispatch_filter(struct people *p, struct call *call)
{
    if (command_has(&call->cmd, PARAM_room))
        dispatch_to_room(p->owner, call);
    else
        cmd_filter_server(p, call);
}

/* What the server's owner does to others is noted before it is done. */

static void dispatch_noted(struct people *p, struct call *call);

/* Returns the act that the command is; "": none. */
static const char *act_of(const struct call *call)
{
    const struct command *c = &call->cmd;
    bool other = command_has(c, PARAM_user) && c->user != call->who.user;

    if (!call->who.super)
        return "";
    switch ((unsigned)c->id) {
    case COMMAND_recover:
        return "recover";
    case COMMAND_token:
        return "token";
    case COMMAND_users_upsert:
        return "users_upsert";
    case COMMAND_key_create:
        return other ? "key_create" : "";
    case COMMAND_key_revoke:
        return other ? "key_revoke" : "";
    case COMMAND_deactivate:
        return !other ? "" : command_has(c, PARAM_on) && !c->on ? "activate" : "deactivate";
    default:
        return "";
    }
}

static void dispatch_note(struct people *p, struct call *call, const char *act)
{
    const struct command *c = &call->cmd;
    bool named = c->id == COMMAND_recover || c->id == COMMAND_token;
    struct entry e = {.act = str_of(act), .user_id = c->user, .user_name = c->name};

    assert(act[0] != '\0');
    if (!named) /* the name is the key's */
        e.user_name = (struct str){0};
    audit_server(p, p->owner, call, &e, dispatch_noted);
}

static void dispatch_sent(struct people_bots *b, struct call *call)
{
    dispatch_to_room(b->owner, call);
}

static void dispatch_send(struct people *p, struct call *call)
{
    people_bot_look(&p->bots, call, dispatch_sent);
}

/* Those that begin where they came in. */
static void (*const here[COMMAND_N])(struct people *p, struct call *call) = {
    [COMMAND_ways] = dispatch_ways,
    [COMMAND_password] = people_change,
    [COMMAND_recover] = people_change_recover,
    [COMMAND_passkey_begin] = people_passkey_begin,
    [COMMAND_passkey_new] = people_passkey_begin_new,
    [COMMAND_passkey_add] = people_passkey_own_add,
    [COMMAND_passkeys] = people_passkey_own_list,
    [COMMAND_passkey_rename] = people_passkey_own_rename,
    [COMMAND_passkey_remove] = people_passkey_own_remove,
    [COMMAND_token] = people_login_token,
    [COMMAND_logout] = people_logout,
    [COMMAND_sessions] = people_sessions,
    [COMMAND_key_create] = people_keys_create,
    [COMMAND_keys] = people_keys,
    [COMMAND_key_revoke] = people_keys_revoke,
    [COMMAND_bot_create] = people_bot_make_run,
    [COMMAND_bots] = people_bot_make_list,
    [COMMAND_send] = dispatch_send,
    [COMMAND_users] = people_users,
    [COMMAND_users_upsert] = people_upsert,
    [COMMAND_profile_set] = people_profile_set,
    [COMMAND_profiles] = people_profile_list,
    [COMMAND_blocks] = people_block_list,
    [COMMAND_deactivate] = people_off_run,
    [COMMAND_rooms] = people_rooms,
    [COMMAND_directory] = dispatch_directory,
    [COMMAND_room_create] = dispatch_create,
    [COMMAND_dm] = dispatch_dm,
    [COMMAND_filter_set] = dispatch_filter,
    [COMMAND_reports] = dispatch_reports,
    [COMMAND_filter] = dispatch_filter,
    [COMMAND_invite_create] = dispatch_invite,
    [COMMAND_invites] = dispatch_invite,
    [COMMAND_invite_revoke] = dispatch_invite,
    [COMMAND_invite_use] = cmd_invite_enter,
};

static void dispatch_noted(struct people *p, struct call *call)
{
    assert(here[call->cmd.id] != NULL);
    here[call->cmd.id](p, call);
}

void dispatch_run(struct people *p, struct call *call)
{
    enum command_id id = call->cmd.id;

    assert(call->done != NULL && call->done == call->returned && id < COMMAND_N);
    if (act_of(call)[0] != '\0')
        dispatch_note(p, call, act_of(call));
    else if (here[id] != NULL)
        here[id](p, call);
    else if (commands_is_of_room(id))
        dispatch_to_room(p->owner, call);
    else
        call_fail(call, ERROR_unknown_command); /* a door does it, or does not have it */
}
