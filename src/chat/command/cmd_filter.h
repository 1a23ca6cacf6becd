/* cmd_filter.h: filter, filter_set: which words and links a room, or the whole server, does not
 * want (chat/model/filter.h). Those of a room are a part of its settings, and run at its owner
 * (chat/room/commands.h); the others here. */
#ifndef CHAT_COMMAND_CMD_FILTER_H
#define CHAT_COMMAND_CMD_FILTER_H

#include "chat/people/people.h"

/* Returns true if the command sets some of a list. */
bool cmd_filter_sets(const struct command *c);

/* Appends to b the list whose bytes are given, as it is once the command has set what it sets.
 * False, and the call's error and the parameter at fault, if it sets what is none, or b has no
 * room for all that is in the list. */
bool cmd_filter_change(struct str bytes, const struct command *c, struct buf *b,
                       struct command_problem *ret_problem) MUST_CHECK;

/* filter, filter_set of the whole server: for its owner. */
void cmd_filter_server(struct people *p, struct call *call);

#endif
