/* people_signup.h: a new person with a password; and how people may log in at all. */
#ifndef CHAT_PEOPLE_PEOPLE_SIGNUP_H
#define CHAT_PEOPLE_PEOPLE_SIGNUP_H

#include "chat/people/people.h"

/* Who may sign up by what a configuration says. */
static inline enum people_signup people_signup_of(bool open, bool invite)
{
    return open ? PEOPLE_SIGNUP_OPEN : invite ? PEOPLE_SIGNUP_INVITE : PEOPLE_SIGNUP_CLOSED;
}

/* The commands signup and ways. name: who asks may come by a name alone, where that is a way. */
void people_signup(struct people *p, struct call *call);
void people_signup_ways(struct people *p, struct call *call, bool name);

/* What signing up by a passkey does, too. Goes on with `free` if somebody may sign up, and nobody
 * has the name. */
void people_signup_may(struct people *p, struct call *call, void (*free)(struct call *call));

/* What proves who the new person is has been put: puts the rest, and makes the session. */
void people_signup_write(struct call *call);

#endif
