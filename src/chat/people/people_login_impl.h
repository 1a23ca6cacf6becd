/* people_login_impl.h: what the commands share by which somebody gets a session: login and token
 * (people_login.c), signup (people_signup.c), password and reset (people_change.c). */
#ifndef CHAT_PEOPLE_PEOPLE_LOGIN_IMPL_H
#define CHAT_PEOPLE_PEOPLE_LOGIN_IMPL_H

#include "chat/model/names.h"
#include "chat/people/invite_link.h"
#include "chat/people/passkey.h"
#include "chat/people/people.h"
#include "chat/people/people_end.h"
#include "chat/people/people_name.h"
#include "chat/people/people_password.h"

#define PEOPLE_LOGIN_BODY_MAX PEOPLE_PASSWORD_BODY_MAX

/* The state of such a call. */
struct login {
    struct people_name claim;      /* first, as people_name_claim wants it */
    struct people_end end;         /* the person's sessions so far */
    struct invite_link_use invite; /* signup, by an invite link */
    struct people *people;
    struct call *call;
    size_t key_n;
    uint64_t user, session, expires_ms;
    uint64_t rev;          /* of the user's record, as it was read */
    uint64_t code_rev;     /* of the owner's code, as it was claimed */
    uint64_t password_rev; /* of the password's record, as it was read */
    uint64_t passkeys_rev; /* of the passkeys' record, as it was read; 0: there is none */
    uint8_t kind;          /* of the user's record; 0: there is none */
    bool owner;            /* what the record says */
    bool coded;            /* the code is claimed for this user */
    bool proven;           /* by a password, or a recovery link */
    bool changed;          /* rights did: the sessions so far end */
    bool retried;
    bool claimed; /* the name, for this user */
    bool alike;   /* another has a name that looks like it */
    bool invited; /* a use of the invite is taken */
    bool known;   /* the user's record has a name */
    bool lends;   /* the owner makes it a token, by the command token */
    bool script;  /* the user is one whose tokens come so */
    bool full;    /* bot_create: they have as many as they may */
    unsigned tries;
    uint64_t ttl_ms;
    uint64_t bot_owner; /* bot_create: whose the bot will be */
    char key[NAMES_KEY_MAX];
    char name[256];
    size_t name_n;
    char body[PEOPLE_LOGIN_BODY_MAX];
    struct people_password password;
    void (*taken)(struct call *call); /* a use of the invite was taken */
    void (*free)(struct call *call);  /* nobody has the name (people_signup_may) */
    void (*read)(struct call *call);  /* the password's record was read */
    void (*keys_read)(struct call *call, struct passkeys *keys); /* the passkeys were read */
    void (*hashed)(struct call *call); /* the hasher is done: l->job.result */
    struct hasher_job job;
};

/* Makes the state of a call that has one of its own, whose first member is l. False: the call has
 * ended, with bad_name. */
bool people_login_init(struct login *l, struct people *p, struct call *call, struct str name,
                       uint64_t ttl_ms) MUST_CHECK;

/* Makes the state, for the name; NULL: the call has ended, with bad_name. */
struct login *people_login_begin(struct people *p, struct call *call, struct str name,
                                 uint64_t ttl_ms) MUST_CHECK;

static inline struct login *people_login_of(struct call *call)
{
    assert(call->state != NULL);
    return call->state;
}

static inline struct str people_login_name(const struct login *l)
{
    return (struct str){(const uint8_t *)l->name, l->name_n};
}

void people_login_keep_name(struct login *l, struct str name);

/* Ends the call of somebody new, who has shown neither a code of the owner link nor an invite, if
 * only who has may come in. True: they may. */
bool people_login_admits(struct call *call) MUST_CHECK;

/* May somebody new have the name? */
bool people_login_is_new(const struct login *l) MUST_CHECK;

/* Claims the name, which is a new one's, for l->user. */
void people_login_claim(struct call *call, people_name_f *done);

/* Returns true if the store has failed, and the call has ended. */
bool people_login_failed(struct call *call) MUST_CHECK;

/* Reads who has the name: done is told, and people_login_found says whose it is, 0: nobody's.
 * False: the call has ended. */
void people_login_find(struct call *call, store_done_f *done);
bool people_login_found(struct call *call, uint64_t *ret_user) MUST_CHECK;

/* Reads l->user's record of a password, or for nobody as if there were one; then l->read. */
void people_login_read_password(struct call *call, void (*read)(struct call *call));

/* Puts l->password, by the revision that was read. */
void people_login_put_password(struct call *call, store_done_f *done);

/* Hands l->job, whose text is set, to the hasher; then l->hashed. The call has ended if the queue
 * is full. Of a comparison: guesses are counted. */
void people_login_compare(struct call *call, void (*hashed)(struct call *call));
void people_login_make(struct call *call, void (*hashed)(struct call *call));

/* Sets l->job's text. False: it is no password. */
bool people_login_text(struct login *l, struct str text) MUST_CHECK;

/* After a comparison: true if it was right; else the call has ended. */
bool people_login_right(struct call *call) MUST_CHECK;

/* Goes on with the owner's code, if there is one, the user's record and the session. */
void people_login_enter(struct call *call);

/* Reads l->user's record; in done: false if the call has ended, without a record with `none`, or
 * since who it is has no password or passkey here. */
void people_login_read_user(struct call *call, store_done_f *done);
bool people_login_take_user(struct call *call, enum error_code none) MUST_CHECK;

/* The person's rights have changed, by somebody who has proven who they are: all sessions so far
 * end, and a new one is answered. */
void people_login_renew(struct call *call);

/* Makes the session, and ends the call. */
void people_login_session(struct call *call);

#endif
