/* people_user.h: the record of a person whom a command names. */
#ifndef CHAT_PEOPLE_PEOPLE_USER_H
#define CHAT_PEOPLE_PEOPLE_USER_H

#include "chat/room/room.h"

/* Reads the user's record from the store; done is told on r's loop. */
void people_user_ask(struct room *r, struct call *call, uint64_t user, store_done_f *done);

/* In done: call->state is the person's name, NUL-terminated. False if the call has
 * ended: there is no such user, or the store failed. */
bool people_user_take(struct call *call) MUST_CHECK;

#endif
