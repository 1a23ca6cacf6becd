/* passkey.h: a person's passkeys as they are kept: all in one record, so that each change is one
 * put, by the revision that was read, on whichever node: none is lost, none is counted twice, and
 * of two that remove the last two of them at once only one does.
 *
 *   <salt> LF, then of each
 *   <created> <used> <count> <flags> <domain> <id> <public key> <title> LF
 *
 * The id and the key, which is COSE's, are in base64url. Borrowed strings point into what was read.
 * An authenticator keeps the handle: the person's number and a salt, so that those of another
 * server for the same domain are told apart. Pure. */
#ifndef CHAT_PEOPLE_PASSKEY_H
#define CHAT_PEOPLE_PASSKEY_H

#include "base/buf.h"

enum {
    PASSKEYS_MAX = 20,        /* of a person */
    PASSKEY_RP_MAX = 253,     /* bytes of a domain */
    PASSKEY_BODY_MAX = 65536, /* of a record */
    PASSKEY_HANDLE_N = 16,
};

enum passkey_flags {
    PASSKEY_VERIFIED = 1, /* its authenticator verified the person when it was made */
    PASSKEY_SYNCED = 2,   /* copies of it may be on several devices */
};

struct passkey {
    uint64_t created_ms; /* differs from those of the person's others: it names it in commands */
    uint64_t used_ms;    /* 0: never */
    uint64_t count;      /* of its signatures, as the authenticator last said; 0: it does not */
    unsigned flags;
    struct str rp;      /* the domain that it is for */
    struct str id, key; /* in base64url */
    struct str title;   /* for people */
};

struct passkeys {
    uint64_t salt;
    unsigned n;
    struct passkey at[PASSKEYS_MAX];
};

/* Appends the record. */
void passkey_encode(const struct passkeys *p, struct buf *out);

/* False if it is none. */
bool passkey_decode(struct str body, struct passkeys *ret_p) MUST_CHECK;

/* The passkey of that id; by its name in commands. NULL if there is none. */
struct passkey *passkey_find(struct passkeys *p, struct str id);
struct passkey *passkey_named(struct passkeys *p, uint64_t created_ms);

/* Adds one, made at now_ms; there are fewer than PASSKEYS_MAX. Returns it: created_ms is set. */
struct passkey *passkey_add(struct passkeys *p, const struct passkey *k, uint64_t now_ms);
void passkey_remove(struct passkeys *p, struct passkey *k);

/* Does the counter go on? One that stays at 0 is of an authenticator that does not count. */
bool passkey_counts_on(const struct passkey *k, uint64_t count) MUST_CHECK;

/* The handle of a person. Reads it: false if it is none. */
void passkey_handle_write(uint64_t user, uint64_t salt, uint8_t buf[static PASSKEY_HANDLE_N]);
bool passkey_handle_read(struct str bytes, uint64_t *ret_user, uint64_t *ret_salt) MUST_CHECK;

#endif
