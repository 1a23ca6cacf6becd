#include "base/mem.h"

/* The functions of SHA-256 without EVP, which OpenSSL has for good but would rather not
 * see used: they alone can be begun in the middle without an allocation. */
#define OPENSSL_API_COMPAT 10101

#include "wire/hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_N = SHA256_CBLOCK, INNER = 0x36, OUTER = 0x5c };

/* RFC 2104 2: the hashes after the padded key. */
struct hmac_state {
    SHA256_CTX inner, outer;
};

static_assert(HMAC_N == SHA256_DIGEST_LENGTH, "the length of SHA-256");

/* RFC 2104 2. */
static void hmac_begin(SHA256_CTX *ctx, const uint8_t key[static BLOCK_N], uint8_t pad)
{
    uint8_t block[BLOCK_N];

    for (size_t i = 0; i < BLOCK_N; i++)
        block[i] = key[i] ^ pad;
    (void)SHA256_Init(ctx);
    (void)SHA256_Update(ctx, block, BLOCK_N);
    OPENSSL_cleanse(block, sizeof(block));
}

/* RFC 2104 2: a key of more than a block is hashed. */
void hmac_init(struct hmac *h, struct str key)
{
    uint8_t padded[BLOCK_N] = {0};

    if (key.n > BLOCK_N)
        (void)SHA256(key.p, key.n, padded);
    else if (key.n > 0)
        memcpy(padded, key.p, key.n);
    h->state = mem_bytes(sizeof(*h->state));
    hmac_begin(&h->state->inner, padded, INNER);
    hmac_begin(&h->state->outer, padded, OUTER);
    OPENSSL_cleanse(padded, sizeof(padded));
}

void hmac_fini(struct hmac *h)
{
    if (h->state != NULL)
        OPENSSL_cleanse(h->state, sizeof(*h->state));
    free(h->state);
    h->state = NULL;
}

/* RFC 2104 2. */
void hmac_make(const struct hmac *h, struct str message, uint8_t ret_mac[static HMAC_N])
{
    SHA256_CTX ctx = h->state->inner;
    uint8_t hash[HMAC_N];

    (void)SHA256_Update(&ctx, message.p, message.n);
    (void)SHA256_Final(hash, &ctx);
    ctx = h->state->outer;
    (void)SHA256_Update(&ctx, hash, sizeof(hash));
    (void)SHA256_Final(ret_mac, &ctx);
    OPENSSL_cleanse(&ctx, sizeof(ctx));
}
