#include "server/node/token_keys.h"

#include "base/str.h"
#include "io/file.h"

#include <stdio.h>

#define FILE_MAX (16 * 1024)

/* NULL, with k->why, if the file has no such key. */
static struct jws_key *read_key(struct token_keys *k, const char *path, bool signs)
{
    struct buf text CLEANUP(buf_fini);
    struct jws_key *key = NULL;
    int r;

    buf_init(&text, FILE_MAX);
    r = file_read(path, &text);
    if (r == 0)
        key = jws_key_pem(buf_peek(&text));
    if (text.bytes != NULL)
        explicit_bzero(text.bytes, text.cap);
    if (r < 0)
        (void)snprintf(k->why, sizeof(k->why), "cannot read the key %.400s: %s", path,
                       strerror(-r));
    else if (key == NULL || (signs && !jws_key_signs(key)))
        (void)snprintf(k->why, sizeof(k->why), "%.400s is not an Ed25519 %skey in PEM", path,
                       signs ? "private " : "");
    else
        return key;
    jws_key_free(key);
    return NULL;
}

/* Adds the key under its thumbprint, unless it is there already. */
static void add_take(struct token_keys *k, struct jws_key *key)
{
    char text[JWS_THUMBPRINT_N];
    struct str kid = {(const uint8_t *)text, sizeof(text)};
    bool known;

    assert(k->keys.all != NULL && key != NULL);
    jws_key_thumbprint(key, text);
    if (jwks_find(k->keys.all, kid, JWS_EDDSA, &known) != NULL)
        jws_key_free(key);
    else
        jwks_add_take(k->keys.all, kid, key);
}

const char *token_keys_open(struct token_keys *k, const struct conf *c, struct str secret)
{
    bool has_key = c->token_key[0] != '\0';
    struct jws_key *key;

    assert(k->keys.all == NULL);
    k->keys.all = jwks_new();
    if (has_key) {
        key = read_key(k, c->token_key, true);
        if (key == NULL)
            return k->why;
        k->keys.signer = key;
        jws_key_thumbprint(key, k->kid);
        k->keys.kid = (struct str){(const uint8_t *)k->kid, sizeof(k->kid)};
        add_take(k, key);
    }
    if (!has_key || c->token_secret[0] != '\0') {
        key = jws_key_secret(secret);
        jwks_add_take(k->keys.all, (struct str){0}, key);
        k->keys.signer = has_key ? k->keys.signer : key;
    }
    for (size_t i = 0; i < c->token_key_old.n; i++) {
        key = read_key(k, c->token_key_old.items[i], false);
        if (key == NULL)
            return k->why;
        if (jwks_count(k->keys.all) == JWKS_KEYS_MAX) {
            jws_key_free(key);
            return "there are more than 31 old keys of tokens";
        }
        add_take(k, key);
    }
    return NULL;
}

void token_keys_close(struct token_keys *k)
{
    jwks_unref(k->keys.all);
    k->keys = (struct people_keys){0};
}
