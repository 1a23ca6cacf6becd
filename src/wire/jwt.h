/* jwt.h: the session tokens that Polylog issues and accepts: JSON Web Tokens
 * (RFC 7519) as compact JWS (RFC 7515 §3.1) under HMAC-SHA-256, and nothing
 * else: the token's `alg` is compared with HS256, it never chooses.
 *
 *   sub   user_id in decimal      name  user_name    iat  issued_s
 *   sid   session                 own   owner        exp  expires_s
 *
 * `nbf` is obeyed; other claims are ignored. A member that occurs twice, a
 * critical extension (RFC 7515 §4.1.11) and more than JWT_MEMBERS_MAX members
 * are refused. Nothing but the signature is looked at before it has proven
 * right. Any thread. */
#ifndef WIRE_JWT_H
#define WIRE_JWT_H

#include "base/base.h"
#include "base/buf.h"

enum {
    JWT_TOKEN_MAX = 4096,   /* longer ones are refused unread */
    JWT_SCRATCH_MIN = 3072, /* enough for every token */
    JWT_SKEW_S = 5,         /* by how much the clocks of two nodes may differ */
    JWT_SECRET_MIN = 32,    /* RFC 7518 §3.2 */
    JWT_MAC_N = 32,
    JWT_MEMBERS_MAX = 32,
};

struct jwt_claims {
    uint64_t user_id;
    struct str name;
    struct str session;
    uint64_t issued_s, expires_s;
    bool owner;
};

enum jwt_result { JWT_OK, JWT_BAD, JWT_EXPIRED, JWT_NOT_YET };

/* The signature of a token's first two parts (RFC 7515 §5.1): HMAC-SHA-256. */
void jwt_mac(struct str secret, struct str input, uint8_t ret_mac[static JWT_MAC_N]);

/* Appends the token; failure is out's, also past JWT_TOKEN_MAX. secret: JWT_SECRET_MIN bytes or
 * more; that is asserted. */
void jwt_sign(struct str secret, const struct jwt_claims *c, struct buf *out);

/* JWT_OK: the token bears our signature and now_s lies between its nbf and
 * exp, give or take JWT_SKEW_S. ret's strings then borrow from scratch, which
 * is at least JWT_SCRATCH_MIN bytes. JWT_EXPIRED and JWT_NOT_YET mean that all
 * but the time was right. A token without sub or exp is JWT_BAD. */
enum jwt_result jwt_verify(struct str secret, struct str token, uint64_t now_s, uint8_t *scratch,
                           size_t scratch_n, struct jwt_claims *ret) MUST_CHECK;

#endif
