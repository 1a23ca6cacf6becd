/* identity.h: people whom an outside issuer vouches for, as one worker knows them.
 *
 * A token of the issuer is checked here, against the newest set of its keys; whose
 * it is, the store knows (chat/people/subject.h), and what it said is remembered for the
 * people met last, so that most tokens cost no read.
 *
 * The keys are fetched elsewhere (issuer/issuer_keys.h) and handed over as a snapshot. A
 * token whose key is unknown, and which is younger than the set, may be signed with
 * a new key: newer keys are asked for, and whoever presented it is to come again. */
#ifndef CHAT_PEOPLE_IDENTITY_H
#define CHAT_PEOPLE_IDENTITY_H

#include "base/list.h"
#include "base/map.h"
#include "chat/room/call.h"
#include "wire/jwt.h"

#define IDENTITY_NAME_MAX 128
#define IDENTITY_KNOWN_MAX 4096 /* people remembered */

struct identity;

struct identity_options {
    struct jwt_rules rules;
    void (*want_keys)(struct identity *id); /* newer ones are needed; often called */
};

/* Why tokens were refused: by enum jwt_result, and then: */
enum { IDENTITY_NO_KEYS = JWT_NOT_YET + 1, IDENTITY_REASONS };

struct identity {
    const struct identity_options *o; /* NULL: there is no issuer */
    struct jwks *keys;                /* NULL: none, or too old */
    uint64_t keys_from_s;             /* Unix time when they were fetched */
    struct map known;
    struct list recent; /* the known, those asked for longest ago first */
    uint64_t refused[IDENTITY_REASONS];
};

/* Somebody with a right token of whom only the issuer's word is known. */
struct identity_stranger {
    uint8_t subject[JWS_HASH_N]; /* of issuer and `sub` */
    uint64_t user;               /* 0: not known here */
    uint64_t session, issued_ms;
    uint64_t expires_ms; /* when the token is no longer accepted */
    bool own;            /* no stranger: an own token, whose session is to be looked up */
    bool lasting;        /* later tokens belong to the session too */
    size_t name_n;
    char name[IDENTITY_NAME_MAX]; /* a legal one */
};

/* o: outlives this; may be NULL. */
void identity_init(struct identity *id, const struct identity_options *o);
void identity_fini(struct identity *id);

/* Another set, fetched at from_s; NULL: there is none that may be used. The reference
 * becomes identity's. */
void identity_keys_take(struct identity *id, struct jwks *keys, uint64_t from_s);

/* Finds whose token of the issuer this is. Returns ERROR_NONE with *ret_who (its name borrows from
 * id until the next call), or, if ret_who->user is 0, with *ret. Else ERROR_bad_token,
 * ERROR_expired, ERROR_issuer_unavailable. scratch: JWT_SCRATCH_MIN bytes. */
enum error_code identity_verify(struct identity *id, struct str token, uint64_t now_s,
                                uint8_t *scratch, struct caller *ret_who,
                                struct identity_stranger *ret) MUST_CHECK;

/* Somebody for whom a gateway in front vouches, under a name of its own for them (`principal`): as
 * a stranger, of that connection alone, until expires_ms. title: what people are to call them. */
struct identity_voucher {
    struct str principal, title, connection;
    uint64_t now_ms, expires_ms;
};
void identity_vouched(struct identity *id, const struct identity_voucher *v, struct caller *ret_who,
                      struct identity_stranger *ret);

/* The stranger is that user, of that name, and the store knows the session. */
void identity_learn(struct identity *id, const struct identity_stranger *s, uint64_t user,
                    struct str name);

/* Counts a refusal; the error that a person is told. */
enum error_code identity_refuse(struct identity *id, enum jwt_result r);

#endif
