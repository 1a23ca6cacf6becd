/* session.h: what a connection or a request may do: who it is, whether it is too
 * fast, where its commands run, and the follower's side of join, resume and leave.
 * The doors call it; no rule of the chat is here. */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "chat/call.h"
#include "chat/command.h"

struct conn;
struct request;
struct worker;

/* The connection is this person's from now on, or their session's goes on with
 * another token. ERROR_NONE, or why not. */
enum error_code session_begin(struct conn *c, const struct caller *who) MUST_CHECK;

/* c is the person that other is. */
void session_share(struct conn *c, const struct conn *other);

/* Appends user, session and expires. */
void session_put_who(struct json_out *o, const struct caller *who);

/* Who the connection is; user 0: nobody. */
struct caller session_who(const struct conn *c);

/* Runs a parsed command; r->answer is called when it is done, and r is gone.
 * follows: entries may be sent to the connection. */
void session_run(struct request *r, bool follows);

/* Ends it with an error, at once. */
void session_fail(struct request *r, struct command_problem problem);

/* How long parameters may be. */
struct command_limits session_limits(const struct worker *w);

/* The session has ended: its connections here are closed. */
void session_revoked(struct worker *w, uint64_t session);

#endif
