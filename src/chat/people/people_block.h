/* people_block.h: whom a person has blocked: `u:<id> block:<other>`, the other's name. It is
 * written by chat/command/cmd_block.c, and chat/room/direct.c looks at it. That the blocked are not
 * shown in rooms is the client's part: it asks for the list. */
#ifndef CHAT_PEOPLE_PEOPLE_BLOCK_H
#define CHAT_PEOPLE_PEOPLE_BLOCK_H

#include "chat/people/people.h"

/* The command blocks. */
void people_block_list(struct people *p, struct call *call);

#endif
