/* token_keys.h: the keys of own tokens (chat/people/people.h), by the settings: Ed25519 keys
 * from files, of which the first signs and the old ones still verify; or a secret. */
#ifndef SERVER_NODE_TOKEN_KEYS_H
#define SERVER_NODE_TOKEN_KEYS_H

#include "chat/people/people.h"
#include "conf/conf.h"

#define TOKEN_KEYS_WHY_MAX 512

struct token_keys {
    struct people_keys keys;
    char kid[JWS_THUMBPRINT_N];
    char why[TOKEN_KEYS_WHY_MAX];
};

/* Reads the files; k is zero. secret: what signs if no key is given; with a key it still verifies
 * if it was given too. NULL, or what is wrong, for a person: it lives as long as k. */
const char *token_keys_open(struct token_keys *k, const struct conf *c, struct str secret);

/* Also of one that is zero. */
void token_keys_close(struct token_keys *k);

#endif
