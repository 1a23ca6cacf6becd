/* dispatch.h: where a command runs that needs nothing of its connection: at the owner of its room,
 * to which the owner here knows the way (owner_ops.route), or among the people here. Each door
 * does by itself what is about a connection: ping, auth, login, resume. join and leave have a
 * part that is, too, which comes before this or behind it. */
#ifndef CHAT_COMMAND_DISPATCH_H
#define CHAT_COMMAND_DISPATCH_H

#include "chat/people/people.h"

/* Runs the call's command; then call->done, which is to be call->returned, on this loop. */
void dispatch_run(struct people *p, struct call *call);

/* Returns true if it is a command by which somebody gets a session who has none: login, signup,
 * reset, passkey_login, passkey_signup. Where they come from, and how often, is the door's to look
 * at; then dispatch_enter runs it. */
bool dispatch_enters(enum command_id id) MUST_CHECK;
void dispatch_enter(struct people *p, struct call *call);

/* Returns true if it is a command by which who gives it changes how they log in: all of their
 * sessions end, and it answers a new one. */
bool dispatch_renews(enum command_id id) MUST_CHECK;

/* Returns true if it is a login that has nothing but a name to show. */
bool dispatch_names_alone(const struct command *cmd) MUST_CHECK;

#endif
