/* people_key.h: API keys, by which machines speak as a person: a secret with some scopes
 * (chat/model/scope.h), shown once and stored as its hash.
 *
 *   plk_<user>_<id>_<secret>      the key: 32 random bytes as base64url
 *   u:<user>  key:<id>            its record, without which it is none
 *
 * A key is a session that does not log in: its id is the session's of whoever comes by it, and what
 * ends sessions (chat/people/people_end.h) ends it, within 5 s at every node. A worker remembers
 * the keys that it looked up for PEOPLE_KEY_KNOWN_MS; then their records are read again, and when
 * they were used is written into them. The hash is plain SHA-256, since 256 random bits cannot be
 * guessed. On one loop. */
#ifndef CHAT_PEOPLE_PEOPLE_KEY_H
#define CHAT_PEOPLE_PEOPLE_KEY_H

#include "base/list.h"
#include "base/map.h"
#include "chat/room/call.h"

enum {
    PEOPLE_KEY_SECRET_N = 32,
    PEOPLE_KEY_TEXT_MAX = 96, /* the key itself, with a NUL */
    PEOPLE_KEY_BODY_MAX = 600,
    PEOPLE_KEY_KNOWN_MAX = 1024, /* remembered by a worker */
    PEOPLE_KEY_KNOWN_MS = 300000,
    PEOPLE_KEYS_MAX = 100, /* of a person */
};

/* What a key says of itself. */
struct people_key_claim {
    uint64_t user, id;
    uint8_t hash[32];
};

/* A key's record. */
struct people_key {
    uint64_t created_ms, expires_ms, generation, used_ms; /* used 0: never */
    unsigned scopes;
    uint8_t hash[32];
    struct str name; /* for people; borrowed */
};

struct people_keyring {
    struct map known;
    struct list recent; /* the known, those looked up longest ago first */
};

void people_key_init(struct people_keyring *k);
void people_key_fini(struct people_keyring *k);

/* Reads a token that is a key's. False if it is none: it may be a token of another form. */
bool people_key_read(struct str token, struct people_key_claim *ret) MUST_CHECK;

/* Writes the key of a secret, and its hash; borrowed from buf. */
struct str people_key_write(uint64_t user, uint64_t id,
                            const uint8_t secret[static PEOPLE_KEY_SECRET_N],
                            char buf[static PEOPLE_KEY_TEXT_MAX], uint8_t ret_hash[static 32]);

/* The body as it is kept, written to buf. */
struct str people_key_encode(const struct people_key *k, char buf[static PEOPLE_KEY_BODY_MAX]);

/* False if it is none. */
bool people_key_decode(struct str body, struct people_key *ret) MUST_CHECK;

/* Who comes by the key of that record. */
struct caller people_key_caller(const struct people_key_claim *c, const struct people_key *k,
                                struct str name);

/* Returns true if the hashes are the same; takes as long whatever they are. */
bool people_key_same(const uint8_t a[static 32], const uint8_t b[static 32]) MUST_CHECK;

/* Returns true if the key is remembered at now_ms, Unix time: *ret_who is who it speaks for, its
 * name borrowed until the next call. */
bool people_key_known(struct people_keyring *ring, const struct people_key_claim *c,
                      uint64_t now_ms, struct caller *ret_who) MUST_CHECK;

/* Remembers who the store says it speaks for. */
void people_key_learn(struct people_keyring *ring, const struct people_key_claim *c,
                      const struct caller *who, uint64_t now_ms);

#endif
