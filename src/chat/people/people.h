/* people.h: users and their sessions, and the commands that concern no single room. The commands
 * run on the worker where they came in; each worker has a struct people. What is stored of users
 * and sessions is in chat/model/keys.h.
 *
 * Sessions are signed tokens: nothing is read from the store to accept one that this start of the
 * node signed. Of another token the session's record is looked up, once
 * (chat/people/people_session.h): so a token is good in the store alone that has its session, and
 * not in one that was restored to before it. What was ended before its time is in `revoked`, which
 * is small. Other nodes are told by the topic PEOPLE_REVOKED, "<sid> <expires>", and list the last
 * minutes'. */
#ifndef CHAT_PEOPLE_PEOPLE_H
#define CHAT_PEOPLE_PEOPLE_H

#include "chat/people/directory.h"
#include "chat/people/identity.h"
#include "chat/people/people_bot.h"
#include "chat/people/people_key.h"
#include "chat/people/people_seen.h"
#include "chat/people/people_session.h"
#include "chat/room/room.h"
#include "wire/jwks.h"
#include "wire/jwt.h"

/* The keys of own tokens: one signs, all verify. */
struct people_keys {
    struct jwks *all;
    const struct jws_key *signer; /* one of them */
    struct str kid;               /* the signer's; empty: that of a secret */
    struct str run;               /* random, of this start of the node; its tokens name it */
    bool restarted;               /* the store was there before this start */
    uint64_t generation; /* how often the store was adopted: of other sessions none is good */
};

/* Who may choose a new name. Whom the issuer vouches for is new here whatever it says. */
enum people_signup {
    PEOPLE_SIGNUP_CLOSED, /* nobody, but for the owner by the owner link */
    PEOPLE_SIGNUP_INVITE, /* who has the code of an invite link (chat/people/invite_link.h) */
    PEOPLE_SIGNUP_OPEN,
};

/* By passkeys (chat/people/people_passkey.h). */
struct people_passkeys {
    struct hasher *guard; /* counts wrong ones; NULL: not so. Outlives people */
    struct str rp;        /* the domain that they are for; empty: each page's own host */
    /* Is the page's origin one of ours? NULL: those of rp and below it are. */
    bool (*is_ours)(void *ctx, struct str origin);
    void *ctx;
};

/* How people may log in, besides by an issuer's tokens. */
struct people_ways {
    struct hasher *hasher; /* by passwords; NULL: not so. Outlives people */
    struct people_passkeys passkeys;
    bool name;   /* by a name alone, which protects nothing */
    bool issuer; /* an issuer's tokens are taken, too */
    enum people_signup signup;
};

struct hasher;

struct people {
    struct owner *owner;            /* this worker's: its store, its ways to other workers */
    const struct people_keys *keys; /* outlive this */
    uint64_t token_ttl_ms;
    struct people_ways ways; /* by a name alone at first */
    struct map revoked;      /* sessions by id */
    struct identity identity;
    uint64_t number; /* the next for a new user (chat/people/people_number.h) */
    unsigned numbers_n;
    bool jumped; /* the numbers of this start are past those of earlier ones */
    struct people_sessions sessions;
    struct people_keyring keyring;
    struct directory directory;
    struct people_seen seen;
    struct people_bots bots;
};

/* Do people log in by passkeys? Without pages of its own a server has to know the domain. */
static inline bool people_has_passkeys(const struct people *p)
{
    const struct people_passkeys *k = &p->ways.passkeys;

    return k->guard != NULL && (k->is_ours != NULL || k->rp.n > 0);
}

/* keys may be NULL until the first command; issuer: NULL if there is none. */
void people_init(struct people *p, struct owner *owner, const struct people_keys *keys,
                 uint64_t token_ttl_ms, const struct identity_options *issuer);
void people_fini(struct people *p);

/* The commands. */
void people_login(struct people *p, struct call *call);
void people_login_token(struct people *p, struct call *call);
void people_logout(struct people *p, struct call *call);
void people_sessions(struct people *p, struct call *call);
void people_keys_create(struct people *p, struct call *call);
void people_keys(struct people *p, struct call *call);
void people_keys_revoke(struct people *p, struct call *call);
void people_users(struct people *p, struct call *call);

void people_rooms(struct people *p, struct call *call);

/* Finds who the token speaks for; *ret_who's name borrows from scratch or from p, until p is used
 * again. Returns ERROR_NONE, or ERROR_bad_token, ERROR_expired, ERROR_revoked,
 * ERROR_issuer_unavailable. ret_who->user 0: subject_find can tell, of *ret_stranger.
 * ret_stranger->own: *ret_who is so if people_session_find finds the session. Of an API key
 * (people_key_read) nothing is known here. */
#define PEOPLE_SCRATCH 3072
enum error_code people_verify(struct people *p, struct str token, uint8_t *scratch,
                              struct caller *ret_who,
                              struct identity_stranger *ret_stranger) MUST_CHECK;

/* A token is accepted for so long after its end. */
#define PEOPLE_LATE_MS (JWT_SKEW_S * 1000u)

/* The session has ended, here or elsewhere. */
void people_revoke(struct people *p, uint64_t session, uint64_t expires_ms);
bool people_is_revoked(const struct people *p, uint64_t session) MUST_CHECK;

/* What another node says of a session; false if it is not understood. */
#define PEOPLE_REVOKED STR("$revoked")
bool people_revoked_read(struct str bytes, uint64_t *ret_session,
                         uint64_t *ret_expires_ms) MUST_CHECK;

/* Reads a user's record. ret_owner may be NULL: is it the server's owner? */
bool people_decode(struct str body, struct str *ret_name, bool *ret_owner) MUST_CHECK;

#endif
