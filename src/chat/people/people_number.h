/* people_number.h: numbers for new users, taken from the store's counter in blocks, so that many
 * first logins do not wait for one item. What a block still had when its node ends is never given.
 *
 * A number is never given again, a restored backup included: at each start but the store's first,
 * the counter jumps past the milliseconds since 2023 and past itself, and by up to a million
 * further, by chance. What was given after the backup was taken lies below, unless a clock was
 * wrong by more than the backup's age, or, by little chance, in what was jumped over. `polylog
 * store adopt` leaves nothing to chance. */
#ifndef CHAT_PEOPLE_PEOPLE_NUMBER_H
#define CHAT_PEOPLE_PEOPLE_NUMBER_H

#include "chat/people/people.h"
#include "chat/room/call.h"

/* A number that nobody has, or 0: people_number_ask for more. On p's loop. */
uint64_t people_number(struct people *p) MUST_CHECK;

/* Takes a block from the store; done is told on p's loop. */
void people_number_ask(struct people *p, struct call *call, store_done_f *done);

/* In done, if the request succeeded: true if the counter has to jump first; done is then
 * told again. */
bool people_number_jump(struct people *p, struct call *call, store_done_f *done) MUST_CHECK;

/* In done, behind people_number_jump: the first of the block; the rest is p's. */
uint64_t people_number_take(struct people *p, const struct call *call) MUST_CHECK;

#endif
