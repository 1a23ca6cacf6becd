/* people_signup.h: a new person with a password; and how people may log in at all. */
#ifndef CHAT_PEOPLE_PEOPLE_SIGNUP_H
#define CHAT_PEOPLE_PEOPLE_SIGNUP_H

#include "chat/people/people.h"

/* The commands signup and ways. name: who asks may come by a name alone, where that is a way. */
void people_signup(struct people *p, struct call *call);
void people_signup_ways(struct people *p, struct call *call, bool name);

#endif
