/* people_change.h: another password: one's own, or by a recovery link. */
#ifndef CHAT_PEOPLE_PEOPLE_CHANGE_H
#define CHAT_PEOPLE_PEOPLE_CHANGE_H

#include "chat/people/people.h"

/* The commands password, recover and reset. */
void people_change(struct people *p, struct call *call);
void people_change_recover(struct people *p, struct call *call);
void people_change_reset(struct people *p, struct call *call);

#endif
