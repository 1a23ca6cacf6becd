/* jws.h: keys and signatures of JSON Web Signatures (RFC 7515, 7518, 8037), by
 * OpenSSL. The key alone says which algorithm it is used with: a key made for
 * one never verifies another's signature, whatever a token's header asks for.
 *
 *   HS256  HMAC-SHA-256     a secret of JWS_SECRET_MIN bytes or more
 *   EdDSA  Ed25519          32 bytes
 *   ES256  ECDSA, P-256     a point on the curve; signatures are r and s, 64 bytes
 *   RS256  RSA PKCS#1 v1.5  JWS_RSA_BITS_MIN to JWS_RSA_BITS_MAX
 *
 * A key does not change once it is made; any number of threads may use it. What
 * OpenSSL looks up of an algorithm it looks up then, not at each signature. */
#ifndef WIRE_JWS_H
#define WIRE_JWS_H

#include "base/base.h"

enum {
    JWS_SECRET_MIN = 32, /* RFC 7518 §3.2 */
    JWS_RSA_BITS_MIN = 2048,
    JWS_RSA_BITS_MAX = 4096,
    JWS_SIGNATURE_MAX = JWS_RSA_BITS_MAX / 8,
    JWS_ED25519_N = 32,
    JWS_HASH_N = 32,
    JWS_THUMBPRINT_N = 43, /* characters */
};

enum jws_alg { JWS_NONE, JWS_HS256, JWS_EDDSA, JWS_ES256, JWS_RS256 };

struct jws_key;

/* SHA-256 of texts, told apart: that of a and bc is not that of ab and c. */
void jws_hash(const struct str *parts, size_t n, uint8_t ret_hash[static JWS_HASH_N]);

/* The algorithm of that name (RFC 7518 §3.1); JWS_NONE for every other. */
enum jws_alg jws_alg_of(struct str name);
const char *jws_alg_name(enum jws_alg alg);

/* A shared secret, which signs and verifies; that it is long enough is asserted. */
struct jws_key *jws_key_secret(struct str secret) MUST_CHECK;

/* Public keys, of big-endian numbers (RFC 7518 §6, 8037 §2). NULL if they are no
 * key, or too weak a one. */
struct jws_key *jws_key_rsa(struct str n, struct str e) MUST_CHECK;
struct jws_key *jws_key_p256(struct str x, struct str y) MUST_CHECK;
struct jws_key *jws_key_ed25519(struct str x) MUST_CHECK;

/* An Ed25519 key in PEM: a private one (PKCS#8), which signs too, or a public one.
 * NULL if it is anything else. */
struct jws_key *jws_key_pem(struct str pem) MUST_CHECK;

/* NULL is fine. */
void jws_key_free(struct jws_key *k);

enum jws_alg jws_key_alg(const struct jws_key *k);

/* Can it sign? */
bool jws_key_signs(const struct jws_key *k);

/* The public half of an Ed25519 key, and its thumbprint in base64url (RFC 7638),
 * without a NUL. Asserts that it is one. */
void jws_key_public(const struct jws_key *k, uint8_t ret_x[static JWS_ED25519_N]);
void jws_key_thumbprint(const struct jws_key *k, char ret_text[static JWS_THUMBPRINT_N]);

/* The signature of input, and its length. The key must sign. */
size_t jws_sign(const struct jws_key *k, struct str input,
                uint8_t ret_signature[static JWS_SIGNATURE_MAX]);

/* Is it the signature of input? */
bool jws_verify(const struct jws_key *k, struct str input, struct str signature) MUST_CHECK;

/* The same where a signature of ES256 is written in DER, as WebAuthn has it (§6.5.5). Not for
 * secrets. */
bool jws_verify_der(const struct jws_key *k, struct str input, struct str signature) MUST_CHECK;

#endif
