/* commands.h: which code does which command.
 *
 * Commands that concern a room run at its owner, on the loaded room (room_run);
 * the others (chat/people.h) run where they came in; join, resume and leave also
 * have a follower's side (server/session.h). One file per command, or per group
 * that shares its work: cmd_<name>.c, each exporting its handlers. */
#ifndef CHAT_COMMANDS_H
#define CHAT_COMMANDS_H

#include "chat/room.h"

/* Runs the call's command on its room. */
void commands_handle(struct room *r, struct call *call);

/* The room that the command concerns; empty: none, it runs where it is. buf is
 * for ids that are computed. */
struct str commands_room(const struct call *call, char buf[static ROOM_KEY_MAX]);

call_handler_f cmd_send_run;
call_handler_f cmd_join_run;
call_handler_f cmd_join_create;
call_handler_f cmd_join_leave;
call_handler_f cmd_history_run;
call_handler_f cmd_member_set;
call_handler_f cmd_member_list;
call_handler_f cmd_member_room_set;
call_handler_f cmd_typing_run;
call_handler_f cmd_typing_read;
call_handler_f cmd_typing_presence;
call_handler_f cmd_dm_run;

#endif
