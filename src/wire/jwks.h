/* jwks.h: a set of keys that verify tokens, and the parser of the JSON in which
 * issuers publish theirs (RFC 7517 §5).
 *
 * Filled once, then shared: immutable, counted, any thread. Of an issuer's keys
 * those are taken that sign (`use`, `key_ops`), with an algorithm of wire/jws.h
 * (`kty`, `crv`, `alg`); others are left out. A set that holds private or
 * symmetric keys is refused as a whole: whoever can read it could sign. */
#ifndef WIRE_JWKS_H
#define WIRE_JWKS_H

#include "base/buf.h"
#include "wire/jws.h"

enum {
    JWKS_SIZE_MAX = 64 * 1024,
    JWKS_KEYS_MAX = 32, /* in a set, counting those that are left out */
    JWKS_KID_MAX = 256,
};

struct jwks;

enum jwks_result {
    JWKS_OK,
    JWKS_BAD,       /* not the JSON of a set */
    JWKS_TOO_BIG,   /* more bytes or keys than the limits above */
    JWKS_PRIVATE,   /* keys that must not be published */
    JWKS_AMBIGUOUS, /* two keys of one kid and algorithm */
    JWKS_EMPTY,     /* no key that could be used */
};

/* The set that text describes, to be dropped with jwks_unref. */
enum jwks_result jwks_parse(struct str text, struct jwks **ret_set) MUST_CHECK;

/* For a person. */
const char *jwks_why(enum jwks_result r);

/* An empty set, and adding to it (at most JWKS_KEYS_MAX) while nobody else has it.
 * kid: may be empty; at most JWKS_KID_MAX bytes. The key becomes the set's. */
struct jwks *jwks_new(void) MUST_CHECK;
void jwks_add_take(struct jwks *s, struct str kid, struct jws_key *key);

struct jwks *jwks_ref(struct jwks *s);
/* NULL is fine. */
void jwks_unref(struct jwks *s);

size_t jwks_count(const struct jwks *s);

/* The key with that kid for alg; without a kid, the only key for alg. NULL if there
 * is none; *ret_known: there is one of that kid, for another algorithm. */
const struct jws_key *jwks_find(const struct jwks *s, struct str kid, enum jws_alg alg,
                                bool *ret_known);

/* The set's public keys as JSON, RFC 7517 §5: those for EdDSA. */
void jwks_publish(const struct jwks *s, struct buf *out);

#endif
