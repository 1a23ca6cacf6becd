/* subject.h: which user an outside issuer's subject is: found in the store, or made at
 * first, with a name of their own; and their session, noted.
 *
 *   subject? --no--> number --> subject (lost: theirs) --+
 *      |                                                 v
 *     yes, no name yet --> user's record --> a free name --> into that record --+
 *      |                    (it is there: with the name in it)  (lost: that one) v
 *     yes --> session <---------------------------------------------- into the subject's
 *
 * Any number of nodes may do this for one subject at once, and each step may be the
 * last before a crash: whoever comes next goes on, and all come to the same user. */
#ifndef CHAT_PEOPLE_SUBJECT_H
#define CHAT_PEOPLE_SUBJECT_H

#include "chat/people/identity.h"
#include "chat/people/people.h"

/* The call ends with call->who as the person, its name valid as long as
 * call->state; or with an error of the store. */
void subject_find(struct people *p, struct call *call, const struct identity_stranger *s);

#endif
