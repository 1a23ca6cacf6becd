/* cmd_group.h: dm with more than one other person. */
#ifndef CHAT_COMMAND_CMD_GROUP_H
#define CHAT_COMMAND_CMD_GROUP_H

#include "chat/room/room.h"

/* Makes the room that r is to be, unless it is there, and puts it on the list of all its people,
 * who are told in their own logs; of one that is there on the caller's alone. */
call_handler_f cmd_group_run;

#endif
