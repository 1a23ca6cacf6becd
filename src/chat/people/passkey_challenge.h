/* passkey_challenge.h: what an authenticator signs: a challenge that this server made, for one
 * purpose and one person or session, for a few minutes, and once. Nothing is kept of one that is
 * handed out: it says itself what it is for, and is signed by the key of the tokens, which all
 * nodes and functions have. That one was used is a record (`challenge:<nonce>` in
 * chat/model/keys.h), put when what it was signed for has proven right, and as long as it could be
 * shown again.
 *
 *   <version> <purpose> <expires> <context> <nonce> <user> <salt> <length> <kid> <signature>
 *
 * A token's signature is over text, whose first byte is none of a version's: neither stands for the
 * other. Pure. */
#ifndef CHAT_PEOPLE_PASSKEY_CHALLENGE_H
#define CHAT_PEOPLE_PASSKEY_CHALLENGE_H

#include "chat/people/people.h"

enum {
    PASSKEY_CHALLENGE_MS = 300000, /* how long it is good */
    PASSKEY_CHALLENGE_MAX = 256,   /* bytes */
    PASSKEY_NONCE_N = 16,
};

enum passkey_purpose {
    PASSKEY_LOGIN = 1, /* context, user and salt: 0 */
    PASSKEY_SIGNUP,    /* context: of the name; user: the number that it is to have */
    PASSKEY_ADD,       /* context: the session; user: the person */
};

struct passkey_challenge {
    enum passkey_purpose purpose;
    uint64_t expires_ms; /* Unix time, by the store's clock */
    uint64_t context;
    uint8_t nonce[PASSKEY_NONCE_N];
    uint64_t user, salt; /* the handle (chat/people/passkey.h) */
};

/* Writes it, signed; returns how many bytes. */
size_t passkey_challenge_write(const struct people_keys *keys, const struct passkey_challenge *c,
                               uint8_t buf[static PASSKEY_CHALLENGE_MAX]);

/* Reads one. False if none of our keys has signed it, or it is over. */
bool passkey_challenge_read(const struct people_keys *keys, struct str bytes, uint64_t now_ms,
                            struct passkey_challenge *ret) MUST_CHECK;

#endif
