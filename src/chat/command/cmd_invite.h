/* cmd_invite.h: the commands of invite links (chat/people/invite_link.h). Those into a room run at
 * its owner (chat/room/commands.h); the others here. */
#ifndef CHAT_COMMAND_CMD_INVITE_H
#define CHAT_COMMAND_CMD_INVITE_H

#include "chat/people/people.h"

/* invite_create, invites, invite_revoke of links that let somebody sign up: for the server's
 * owner. */
void cmd_invite_server(struct people *p, struct call *call);

/* invite_use: finds the room that the link is into, and goes on there. */
void cmd_invite_enter(struct people *p, struct call *call);

#endif
