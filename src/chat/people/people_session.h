/* people_session.h: sessions of own tokens that another start of a node has signed: a node that
 * runs, one before a restart, or one on a store that was since restored to before it. The session's
 * record says which: without one the token is refused. The sessions found last are remembered, so
 * that most tokens cost no read. Of a store that was adopted (admin/store_adopt.h), sessions of an
 * earlier generation have ended. */
#ifndef CHAT_PEOPLE_PEOPLE_SESSION_H
#define CHAT_PEOPLE_PEOPLE_SESSION_H

#include "base/list.h"
#include "base/map.h"
#include "chat/room/call.h"

#define PEOPLE_SESSION_MAX 4096 /* remembered by a worker */

#define PEOPLE_SESSION_BODY_MAX 80

struct people;

/* A session's record. */
struct people_session {
    uint64_t created_ms, expires_ms, generation;
    bool lasting; /* it outlives its token */
};

/* The body as it is kept, written to buf. */
struct str people_session_encode(const struct people_session *s,
                                 char buf[static PEOPLE_SESSION_BODY_MAX]);

/* False if it is none. */
bool people_session_decode(struct str body, struct people_session *ret_s) MUST_CHECK;

struct people_sessions {
    struct map known;
    struct list recent; /* the known, those asked for longest ago first */
};

void people_session_init(struct people_sessions *s);
void people_session_fini(struct people_sessions *s);

/* Returns true if the session was found to be the user's. */
bool people_session_known(struct people_sessions *s, uint64_t session, uint64_t user) MUST_CHECK;

/* Looks the session of *who up in the store. The call ends with call->who as *who, its name
 * valid as long as call->state; with ERROR_revoked, if there is no such session; or with an
 * error of the store. who is copied. */
void people_session_find(struct people *p, struct call *call, const struct caller *who);

#endif
