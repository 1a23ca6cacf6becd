/* people.h: users and their sessions, and the commands that concern no single
 * room. They run on the worker where they came in; struct people is one per
 * worker.
 *
 *   pk "names"      sk <folded name>          "<id> <name>"     who has the name
 *   pk "u:<id>"     sk "user"                 "u<name>"; "o<name>": the server's owner;
 *                                             "x<name>": logs in elsewhere (chat/subject.h)
 *                   sk "session:<sid>"        "<created> <expires>", ms, and " lasting"
 * (chat/subject.h) sk "room:<room>"          chat/reads.h pk "revoked"    sk "<sid>" "<expires>":
 * ended before its time pk "revoked:<minute>"  the same, of those that were ended in that minute pk
 * "server"     sk "owner-code"           the one-time code of the owner link, then "used"
 *
 * Sessions are signed tokens: nothing is read from the store to accept one; what
 * was ended before its time is in `revoked`, which is small. Other nodes are told by
 * the topic PEOPLE_REVOKED, "<sid> <expires>", and list the last minutes'. */
#ifndef CHAT_PEOPLE_H
#define CHAT_PEOPLE_H

#include "chat/identity.h"
#include "chat/room.h"
#include "wire/jwks.h"

/* The keys of own tokens: one signs, all verify. */
struct people_keys {
    struct jwks *all;
    const struct jws_key *signer; /* one of them */
    struct str kid;               /* the signer's; empty: that of a secret */
};

struct people {
    struct owner *owner;            /* this worker's: its store, its ways to other workers */
    const struct people_keys *keys; /* outlive this */
    uint64_t token_ttl_ms;
    struct map revoked; /* sessions by id */
    struct identity identity;
    uint64_t number; /* the next for a new user (chat/people_number.h) */
    unsigned numbers_n;
};

/* keys may be NULL until the first command; issuer: NULL if there is none. */
void people_init(struct people *p, struct owner *owner, const struct people_keys *keys,
                 uint64_t token_ttl_ms, const struct identity_options *issuer);
void people_fini(struct people *p);

/* The commands. */
void people_login(struct people *p, struct call *call);
void people_logout(struct people *p, struct call *call);
void people_sessions(struct people *p, struct call *call);
void people_users(struct people *p, struct call *call);

/* cmd.rooms: rooms that the person follows just now, which need not be on the
 * stored list yet. */
void people_rooms(struct people *p, struct call *call);

/* Who the token speaks for; *ret_who's name borrows from scratch or from p, until
 * p is used again. ERROR_NONE, or ERROR_bad_token, ERROR_expired, ERROR_revoked,
 * ERROR_issuer_unavailable. ret_who->user 0: subject_find can tell, of *ret_stranger. */
#define PEOPLE_SCRATCH 3072
enum error_code people_verify(struct people *p, struct str token, uint8_t *scratch,
                              struct caller *ret_who,
                              struct identity_stranger *ret_stranger) MUST_CHECK;

/* The session has ended, here or elsewhere. */
void people_revoke(struct people *p, uint64_t session, uint64_t expires_ms);
bool people_is_revoked(const struct people *p, uint64_t session) MUST_CHECK;

/* What another node says of a session; false if it is not understood. */
#define PEOPLE_REVOKED STR("$revoked")
bool people_revoked_read(struct str bytes, uint64_t *ret_session,
                         uint64_t *ret_expires_ms) MUST_CHECK;

/* The pk of the sessions that were ended in a minute of Unix time. */
#define PEOPLE_RECENT_MAX 40
struct str people_recent_pk(uint64_t minute, char buf[static PEOPLE_RECENT_MAX]);

/* Reads a user's record. ret_owner may be NULL: is it the server's owner? */
bool people_decode(struct str body, struct str *ret_name, bool *ret_owner) MUST_CHECK;

#endif
