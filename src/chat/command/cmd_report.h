/* cmd_report.h: reports of messages: what cmd_report.c exports besides its handlers
 * (chat/room/commands.h). A report is a record, whose key names the room, the message and who
 * reported it, so that the same again is the same report:
 *
 *   reports   <room>:<seq, 20 digits>:<user>   "<ms> <author>\n<reporter>\n<author's
 * name>\n<reason>" */
#ifndef CHAT_COMMAND_CMD_REPORT_H
#define CHAT_COMMAND_CMD_REPORT_H

#include "chat/people/people.h"

/* reports without a room: for the server's owner. */
void cmd_report_server(struct people *p, struct call *call);

#endif
