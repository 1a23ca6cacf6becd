/* people_passkey.h: people who prove who they are by passkeys (WebAuthn, wire/webauthn.h): they log
 * in without a name, sign up without a password, and have several, with titles
 * (chat/people/passkey.h).
 *
 *   sign up   passkey_begin {name} --> the browser makes one --> passkey_signup
 *   log in    passkey_begin        --> the browser proves it --> passkey_login
 *   add       passkey_new          --> the browser makes one --> passkey_add
 *
 * Each pair has a challenge of its own (chat/people/passkey_challenge.h), good for one use of that
 * kind: by whoever was asked, of a name; by that session, of a passkey that is added. What was
 * signed is looked at in this order, and nothing is written for what is wrong:
 *
 *   the challenge --> the origin is ours --> it is the domain's --> the signature
 *                                     --> the challenge is spent --> the counter, the record is put
 *
 * The domain is that of --passkey-rp, at which and below which the page is; without it, the page's
 * own host. A passkey is for the domain at which it was made.
 *
 * Wrong logins are counted by the place that they come from (chat/people/guesses.h): a signature
 * cannot be guessed, so nobody has to wait for what others do to their passkeys. A counter that
 * goes backwards is refused: somebody may have copied the passkey.
 *
 * As with a password, when rights change sessions do: a passkey that is added or removed ends all
 * sessions of the person, and a new one is answered. The rights of the server's owner come by a
 * passkey, too; so none is added to an owner's name but by a session that has them. */
#ifndef CHAT_PEOPLE_PEOPLE_PASSKEY_H
#define CHAT_PEOPLE_PEOPLE_PASSKEY_H

#include "chat/people/people.h"

/* The commands. */
void people_passkey_begin(struct people *p, struct call *call);
void people_passkey_login(struct people *p, struct call *call);
void people_passkey_login_signup(struct people *p, struct call *call);
void people_passkey_begin_new(struct people *p, struct call *call);
void people_passkey_own_add(struct people *p, struct call *call);
void people_passkey_own_list(struct people *p, struct call *call);
void people_passkey_own_rename(struct people *p, struct call *call);
void people_passkey_own_remove(struct people *p, struct call *call);

#endif
