/* session.h: what a connection or a request may do: who it is, whether it is too
 * fast, where its commands run, and the follower's side of join, resume and leave.
 * The doors call it; no rule of the chat is here. */
#ifndef SERVER_CONN_SESSION_H
#define SERVER_CONN_SESSION_H

#include "chat/model/command.h"
#include "chat/room/call.h"

struct conn;
struct request;
struct worker;

/* The connection is this person's from now on, or their session's goes on with
 * another token. ERROR_NONE, or why not. enter: if it came without a token it counts as its
 * person's now, no longer towards its address. */
enum error_code session_begin(struct conn *c, const struct caller *who) MUST_CHECK;
enum error_code session_enter(struct conn *c, const struct caller *who) MUST_CHECK;

/* c is the person that other is. */
void session_share(struct conn *c, const struct conn *other);

/* Returns who the connection is; user 0: nobody. */
struct caller session_who(const struct conn *c);

/* Runs a parsed command that came as a message of its connection, as the person that the
 * connection is: no more than commands-in-flight at a time. */
void session_message(struct request *r);

/* Runs a parsed command; r->answer is called when it is done, and r is gone.
 * follows: entries may be sent to the connection. */
void session_run(struct request *r, bool follows);

/* Ends it with an error, at once. */
void session_fail(struct request *r, struct command_problem problem);

/* How long parameters may be. */
struct command_limits session_limits(const struct worker *w);

/* The session has ended: its connections here are closed. */
void session_revoked(struct worker *w, uint64_t session);

/* Returns when, on the worker's clock, a connection's session is to be looked at next: when the
 * client is to be told that it expires, or it expires; of a connection that is nobody's, when it is
 * too late to log in, counted in whole seconds from that in which it began to speak what it speaks:
 * up to a second late, never early. UINT64_MAX: never. */
uint64_t session_due_ms(const struct conn *c);

/* Looks at the session of a connection that is somebody's. */
enum session_end {
    SESSION_LASTS,
    SESSION_EXPIRES, /* soon: the client is to be told, unless c->told, what is in event then */
    SESSION_EXPIRED,
};
enum session_end session_look(struct conn *c, struct buf *event) MUST_CHECK;

/* Does what is due: ends the connection (conn_end), or tells it that its session expires (the
 * door's event, which it must have). */
void session_mind(struct conn *c);

/* For doors without other deadlines: session_timer sets the connection's timer, when it begins and
 * as door->renewed; session_timeout is door->timeout. */
void session_timer(struct conn *c);
void session_timeout(struct conn *c);

#endif
