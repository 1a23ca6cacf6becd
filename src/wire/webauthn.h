/* webauthn.h: what a browser and an authenticator say of a passkey (W3C Web Authentication, level
 * 3), read and checked. Pure; what is read is borrowed.
 *
 *   made    client data (JSON) and attestation object (CBOR) --> an id, a public key, a counter
 *   proven  client data, authenticator data, signature + the public key --> the counter now
 *
 * The challenge and the origin of the client data are the caller's to judge: their meaning is not
 * known here. No statement of who made an authenticator is asked for or looked at ("none").
 * Whether the person was there (UP) has to be said; whether they were verified (UV) is told. */
#ifndef WIRE_WEBAUTHN_H
#define WIRE_WEBAUTHN_H

#include "base/base.h"

enum {
    WEBAUTHN_CLIENT_MAX = 3072,   /* bytes of client data */
    WEBAUTHN_ID_MAX = 255,        /* of a passkey's id */
    WEBAUTHN_KEY_MAX = 600,       /* of a public key: RSA of 4,096 bits has 530 */
    WEBAUTHN_SIGNATURE_MAX = 512, /* of a signature: RSA of 4,096 bits */
};

enum webauthn_result {
    WEBAUTHN_OK,
    WEBAUTHN_BAD_CLIENT, /* not the JSON of client data */
    WEBAUTHN_TYPE,       /* it was said to something else */
    WEBAUTHN_CROSS,      /* within a page of another origin */
    WEBAUTHN_BAD_DATA,   /* not an attestation object, or authenticator data */
    WEBAUTHN_RP,         /* it is for another domain */
    WEBAUTHN_ABSENT,     /* nobody was there */
    WEBAUTHN_BAD_KEY,    /* no key, of no algorithm of ours, or too weak */
    WEBAUTHN_SIGNATURE,  /* it is not right */
};

/* What the browser says. */
struct webauthn_client {
    struct str challenge; /* its bytes */
    struct str origin;    /* such as https://example.org */
};

/* A new passkey. */
struct webauthn_made {
    struct str id;
    struct str key; /* its public key as it is to be kept: COSE's, CBOR */
    uint32_t count;
    bool verified, synced; /* the person was verified; copies of it may be elsewhere */
};

/* Reads client data, of a passkey that is made or proven: `webauthn.create` or `webauthn.get`.
 * Returns WEBAUTHN_OK, BAD_CLIENT, TYPE or CROSS. What is returned lies in scratch. */
enum webauthn_result webauthn_client(struct str json, bool made,
                                     uint8_t scratch[static WEBAUTHN_CLIENT_MAX],
                                     struct webauthn_client *ret) MUST_CHECK;

/* Reads an attestation object, made for the domain rp. Returns WEBAUTHN_OK, BAD_DATA, RP, ABSENT or
 * BAD_KEY. */
enum webauthn_result webauthn_made(struct str attestation, struct str rp,
                                   struct webauthn_made *ret) MUST_CHECK;

/* Checks that the passkey of that key has signed the authenticator data, for the domain rp, and the
 * client data as they came. Returns WEBAUTHN_OK, BAD_DATA, RP, ABSENT, BAD_KEY or SIGNATURE. */
enum webauthn_result webauthn_proven(struct str authenticator, struct str client,
                                     struct str signature, struct str rp, struct str key,
                                     uint32_t *ret_count) MUST_CHECK;

/* For a person. */
const char *webauthn_why(enum webauthn_result r);

#endif
