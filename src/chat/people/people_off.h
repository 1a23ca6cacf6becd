/* people_off.h: people who were deactivated, by themselves or by the server's owner: `u:<id> off`;
 * and bots, by their owners. A bot of somebody who is off is taken for nobody either, as soon as
 * its keys are looked up (chat/people/people_key_find.h). Nobody logs in as them, their sessions
 * and API keys have ended, their name stays theirs, what they wrote stays. The server's owner can
 * take that back.
 *
 * The record is put first, then keys and sessions are listed and ended (chat/people/people_end.h).
 * A login puts its session first and then looks for the record. So nobody has a token whose session
 * is left: the login sees the record, or the list has the session. So it is with a key, which is
 * looked up before the record (chat/people/people_key_find.h). The command is answered once all
 * have ended; one that was not answered is asked again and goes on where it was. */
#ifndef CHAT_PEOPLE_PEOPLE_OFF_H
#define CHAT_PEOPLE_PEOPLE_OFF_H

#include "chat/people/people.h"

/* Reads whether the user is off; done is told on p's loop. */
void people_off_ask(struct people *p, struct call *call, uint64_t user, store_done_f *done);

/* In done: true if they are not off. False: the call has ended, with ERROR_deactivated, or as the
 * store failed. */
bool people_off_passes(struct call *call) MUST_CHECK;

/* The command deactivate. */
void people_off_run(struct people *p, struct call *call);

#endif
