/* jwt.h: tokens: JSON Web Tokens (RFC 7519) as compact JWS (RFC 7515 §3.1), of two
 * kinds.
 *
 * Own: those that Polylog signs, with a secret (HS256) or a key (EdDSA).
 *   sub   user_id in decimal      name  user_name    iat  issued_s
 *   sid   session                 own   owner        exp  expires_s
 *   run   run
 * Issued: those of an outside issuer (OpenID Connect Core §2, RFC 9068, Amazon
 * Cognito), under the rules of struct jwt_rules, signed with a public key's pair.
 *
 * A token names its key, and the key says the algorithm; that of the header must be
 * the same. `nbf` is obeyed; unknown claims are ignored. A member that occurs twice,
 * a critical extension (RFC 7515 §4.1.11) and more than JWT_MEMBERS_MAX members are
 * refused. Of a token nothing but its header is looked at before its signature has
 * proven right. Any thread. */
#ifndef WIRE_JWT_H
#define WIRE_JWT_H

#include "base/base.h"
#include "base/buf.h"
#include "wire/jwks.h"

enum {
    JWT_TOKEN_MAX = 4096,   /* longer ones are refused unread */
    JWT_SCRATCH_MIN = 3072, /* enough for every token */
    JWT_SKEW_S = 5,         /* by how much the clocks of two nodes may differ */
    JWT_MEMBERS_MAX = 64,
    JWT_SUBJECT_MAX = 255, /* OpenID Connect Core §2 */
};

enum jwt_result {
    JWT_OK,
    JWT_BAD,       /* no token, or claims are missing or wrong */
    JWT_ALGORITHM, /* not its key's, or none that would be accepted */
    JWT_NO_KEY,    /* the key that it names is not in the set */
    JWT_SIGNATURE, /* is not the key's */
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_EXPIRED,
    JWT_NOT_YET,
};

struct jwt_claims {
    uint64_t user_id;
    struct str name;
    struct str session;
    struct str run; /* which start of which node signed it; empty: an earlier version */
    uint64_t issued_s, expires_s;
    bool owner;
};

/* Appends an own token; failure is out's, also past JWT_TOKEN_MAX. kid: names the key in the
 * header if it is not empty; JSON text that needs no escape. */
void jwt_sign(const struct jws_key *key, struct str kid, const struct jwt_claims *c,
              struct buf *out);

/* JWT_OK: the own token bears the signature of one of keys, and now_s lies between
 * its nbf and exp, give or take JWT_SKEW_S. ret's strings then borrow from scratch,
 * which is at least JWT_SCRATCH_MIN bytes. JWT_EXPIRED and JWT_NOT_YET mean that all
 * but the time was right. A token without sub or exp is JWT_BAD. */
enum jwt_result jwt_verify(const struct jwks *keys, struct str token, uint64_t now_s,
                           uint8_t *scratch, size_t scratch_n, struct jwt_claims *ret) MUST_CHECK;

/* What an issuer's tokens must say. */
struct jwt_rules {
    struct str issuer;           /* `iss`, to the letter */
    const struct str *audiences; /* one of them must be in `aud`; in Cognito's access
                                    tokens, be `client_id` */
    size_t audiences_n;
    const struct str *names; /* claims that may hold the name, the best first */
    size_t names_n;
    uint64_t skew_s;
};

struct jwt_issued {
    struct str subject;
    struct str name;    /* of the first of rules->names that it has; may be empty */
    struct str session; /* origin_jti, else sid, else jti; may be empty */
    bool lasting;       /* that session outlives the token: later ones belong to it too */
    uint64_t issued_s, expires_s;
};

/* As jwt_verify, for a token of the issuer. With JWT_NO_KEY ret->issued_s is when it
 * claims to have been issued, which proves nothing; else ret is set with JWT_OK only. */
enum jwt_result jwt_verify_issued(const struct jwt_rules *rules, const struct jwks *keys,
                                  struct str token, uint64_t now_s, uint8_t *scratch,
                                  size_t scratch_n, struct jwt_issued *ret) MUST_CHECK;

#endif
