/* people_passkeys.h: a person's passkeys, read from the store, by a call whose state begins with a
 * struct login (chat/people/people_login_impl.h). */
#ifndef CHAT_PEOPLE_PEOPLE_PASSKEYS_H
#define CHAT_PEOPLE_PEOPLE_PASSKEYS_H

#include "chat/people/passkey.h"
#include "chat/room/call.h"

/* Reads the passkeys of the call's login, l->user's, none if there is no record, and their revision
 * to l->passkeys_rev; then read, whose keys are good until it returns. The call ends if the store
 * fails. */
void people_passkeys_read(struct call *call,
                          void (*read)(struct call *call, struct passkeys *keys));

#endif
