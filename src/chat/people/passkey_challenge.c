#include "chat/people/passkey_challenge.h"

#include "base/str.h"

enum {
    VERSION = 1,
    HEAD_N = 2 + 4 * 8 + PASSKEY_NONCE_N + 1, /* up to the length of the kid */
    KID_MAX = JWS_THUMBPRINT_N,
    SIGNATURE_N = 64, /* at most: EdDSA's */
};

static_assert((int)PASSKEY_CHALLENGE_MAX >= (int)HEAD_N + (int)KID_MAX + (int)SIGNATURE_N, "");

static uint8_t *write_u64(uint8_t *to, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        *to++ = (uint8_t)(v >> (56 - 8 * i));
    return to;
}

static uint64_t read_u64(const uint8_t **p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | *(*p)++;
    return v;
}

size_t passkey_challenge_write(const struct people_keys *keys, const struct passkey_challenge *c,
                               uint8_t buf[static PASSKEY_CHALLENGE_MAX])
{
    uint8_t signature[JWS_SIGNATURE_MAX], *to = buf;
    size_t n;

    assert(keys->kid.n <= KID_MAX);
    *to++ = VERSION;
    *to++ = (uint8_t)c->purpose;
    to = write_u64(to, c->expires_ms);
    to = write_u64(to, c->context);
    memcpy(to, c->nonce, sizeof(c->nonce));
    to = write_u64(to + sizeof(c->nonce), c->user);
    to = write_u64(to, c->salt);
    *to++ = (uint8_t)keys->kid.n;
    if (keys->kid.n > 0)
        memcpy(to, keys->kid.p, keys->kid.n);
    to += keys->kid.n;
    n = jws_sign(keys->signer, (struct str){buf, (size_t)(to - buf)}, signature);
    assert(n <= SIGNATURE_N);
    memcpy(to, signature, n);
    return (size_t)(to - buf) + n;
}

/* The key that it names, of the kind that the length of the signature tells. */
static bool is_signed(const struct people_keys *keys, struct str bytes)
{
    size_t kid_n = bytes.p[HEAD_N - 1];
    struct str kid, signature;
    const struct jws_key *key;
    enum jws_alg alg;
    bool known;

    if (bytes.n <= HEAD_N + kid_n)
        return false;
    kid = (struct str){bytes.p + HEAD_N, kid_n};
    signature = str_skip(bytes, HEAD_N + kid_n);
    alg = signature.n == JWS_HASH_N ? JWS_HS256 : JWS_EDDSA;
    key = jwks_find(keys->all, kid, alg, &known);
    return key != NULL && jws_verify(key, (struct str){bytes.p, bytes.n - signature.n}, signature);
}

bool passkey_challenge_read(const struct people_keys *keys, struct str bytes, uint64_t now_ms,
                            struct passkey_challenge *ret)
{
    const uint8_t *p;
    struct passkey_challenge c = {0};

    if (bytes.n < HEAD_N || bytes.n > PASSKEY_CHALLENGE_MAX || bytes.p[0] != VERSION ||
        !is_signed(keys, bytes))
        return false;
    p = bytes.p + 2;
    c.purpose = (enum passkey_purpose)bytes.p[1];
    c.expires_ms = read_u64(&p);
    c.context = read_u64(&p);
    memcpy(c.nonce, p, sizeof(c.nonce));
    p += sizeof(c.nonce);
    c.user = read_u64(&p);
    c.salt = read_u64(&p);
    if (c.expires_ms <= now_ms || c.expires_ms > now_ms + 2 * (uint64_t)PASSKEY_CHALLENGE_MS)
        return false;
    *ret = c;
    return true;
}
