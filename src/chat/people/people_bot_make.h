/* people_bot_make.h: bots (chat/people/people_bot.h) are made, and listed.
 *
 * bot_create writes the bot's records before the name is claimed, and the list of its owner's last:
 * a crash leaves records of a number that nobody has, or a bot that is not listed, which the same
 * command by the same person lists: asked again it is answered as it was. */
#ifndef CHAT_PEOPLE_PEOPLE_BOT_MAKE_H
#define CHAT_PEOPLE_PEOPLE_BOT_MAKE_H

#include "chat/people/people.h"

/* The commands bot_create and bots. */
void people_bot_make_run(struct people *p, struct call *call);
void people_bot_make_list(struct people *p, struct call *call);

#endif
