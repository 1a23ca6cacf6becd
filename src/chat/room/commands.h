/* commands.h: which code does which command.
 *
 * Commands that concern a room run at its owner, on the loaded room (owner_run);
 * the others (chat/people/people.h) run where they came in; join, resume and leave also
 * have a follower's side (server/conn/session.h). Each command, or group
 * that shares its work, has a file, cmd_<name>.c, which exports its handlers. */
#ifndef CHAT_ROOM_COMMANDS_H
#define CHAT_ROOM_COMMANDS_H

#include "chat/room/room.h"

/* Returns true if the command runs on a room. */
bool commands_is_of_room(enum command_id id) MUST_CHECK;

/* Runs the call's command on its room. */
void commands_handle(struct room *r, struct call *call);

/* The room that the command concerns; empty: none, it runs where it is. buf is
 * for ids that are computed. */
struct str commands_room(const struct call *call, char buf[static KEYS_ROOM_MAX]);

/* Answers a command whose entry about the room or its people has landed: the entry's seq and time.
 */
call_handler_f cmd_room_changed;

call_handler_f cmd_send_run;
call_handler_f cmd_join_run;
call_handler_f cmd_join_create;
call_handler_f cmd_join_leave;
call_handler_f cmd_history_run;
call_handler_f cmd_member_set;
call_handler_f cmd_member_kick;
call_handler_f cmd_purge_run;
call_handler_f cmd_report_run;
call_handler_f cmd_report_list;
call_handler_f cmd_report_resolve;
call_handler_f cmd_member_list;
call_handler_f cmd_room_set;
call_handler_f cmd_room_delete;
call_handler_f cmd_room_filter;
call_handler_f cmd_filter_show;
call_handler_f cmd_invite_run;
call_handler_f cmd_invite_use;
call_handler_f cmd_typing_run;
call_handler_f cmd_typing_read;
call_handler_f cmd_typing_presence;
call_handler_f cmd_dm_run;
call_handler_f cmd_block_run;
call_handler_f cmd_pref_run;

#endif
