/* people_key_find.h: whom an API key speaks for, as the store knows it: the key's record, the
 * person's, whether they are deactivated, and when the key was used, which is noted. On one loop.
 */
#ifndef CHAT_PEOPLE_PEOPLE_KEY_FIND_H
#define CHAT_PEOPLE_PEOPLE_KEY_FIND_H

#include "chat/people/people_key.h"

struct people;

/* Looks the key up in the store, and remembers it. The call ends with call->who as whom it speaks
 * for, its name valid as long as call->state; with ERROR_bad_token, ERROR_expired,
 * ERROR_revoked or ERROR_deactivated; or with an error of the store. */
void people_key_find(struct people *p, struct call *call, const struct people_key_claim *c);

#endif
