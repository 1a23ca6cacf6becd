/* people_number.h: numbers for new users, taken from the store's counter in blocks, so that
 * many first logins do not wait for one item. What a block still had when its node ends is
 * never given. */
#ifndef CHAT_PEOPLE_NUMBER_H
#define CHAT_PEOPLE_NUMBER_H

#include "chat/call.h"
#include "chat/people.h"

/* A number that nobody has, or 0: people_number_ask for more. On p's loop. */
uint64_t people_number(struct people *p) MUST_CHECK;

/* Takes a block from the store; done is told on p's loop. */
void people_number_ask(struct people *p, struct call *call, store_done_f *done);

/* In done, if the request succeeded: the first of the block; the rest is p's. */
uint64_t people_number_take(struct people *p, const struct call *call) MUST_CHECK;

#endif
