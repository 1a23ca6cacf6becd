#include "wire/jws.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/hmac.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HASH_N = JWS_HASH_N,
    P256_N = 32, /* of each coordinate, and of r and s */
    POINT_N = 1 + 2 * P256_N,
    DER_MAX = 80, /* of an ECDSA signature on P-256 */
    RSA_E_BITS_MAX = 64,
};

/* mac or pkey is set. `mac` has the secret, `verifier` the public key: each use
 * begins with a copy. */
struct jws_key {
    enum jws_alg alg;
    bool signs;
    struct hmac mac;
    EVP_PKEY *pkey;
    EVP_MD_CTX *verifier;
};

static const struct {
    const char *name;
    enum jws_alg alg;
} algorithms[] = {
    {"HS256", JWS_HS256}, {"EdDSA", JWS_EDDSA}, {"ES256", JWS_ES256}, {"RS256", JWS_RS256}};

void jws_hash(const struct str *parts, size_t n, uint8_t ret_hash[static JWS_HASH_N])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok;

    if (ctx == NULL)
        abort();
    ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    for (size_t i = 0; i < n; i++) {
        uint8_t length[8];

        for (unsigned b = 0; b < sizeof(length); b++)
            length[b] = (uint8_t)((uint64_t)parts[i].n >> (56 - 8 * b));
        ok &= EVP_DigestUpdate(ctx, length, sizeof(length));
        ok &= EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
    }
    ok &= EVP_DigestFinal_ex(ctx, ret_hash, NULL);
    assert(ok == 1);
    EVP_MD_CTX_free(ctx);
}

enum jws_alg jws_alg_of(struct str name)
{
    for (size_t i = 0; i < COUNTOF(algorithms); i++)
        if (str_eq(name, str_of(algorithms[i].name)))
            return algorithms[i].alg;
    return JWS_NONE;
}

const char *jws_alg_name(enum jws_alg alg)
{
    for (size_t i = 0; i < COUNTOF(algorithms); i++)
        if (algorithms[i].alg == alg)
            return algorithms[i].name;
    return "none";
}

static struct jws_key *key_new(enum jws_alg alg)
{
    struct jws_key *k = mem_zeroed(1, sizeof(*k));

    k->alg = alg;
    return k;
}

struct jws_key *jws_key_secret(struct str secret)
{
    struct jws_key *k = key_new(JWS_HS256);

    assert(secret.n >= JWS_SECRET_MIN);
    k->signs = true;
    hmac_init(&k->mac, secret);
    return k;
}

/* Takes pkey, which may be NULL; then, or if it is of no use, NULL. */
static struct jws_key *key_of_take(enum jws_alg alg, EVP_PKEY *pkey)
{
    struct jws_key *k = key_new(alg);
    const char *digest = alg == JWS_EDDSA ? NULL : "SHA256";

    k->pkey = pkey;
    k->verifier = EVP_MD_CTX_new();
    if (k->verifier == NULL)
        abort();
    if (pkey != NULL &&
        EVP_DigestVerifyInit_ex(k->verifier, NULL, digest, NULL, NULL, pkey, NULL) == 1)
        return k;
    ERR_clear_error();
    jws_key_free(k);
    return NULL;
}

/* Takes the builder. */
static EVP_PKEY *pkey_of_take(const char *type, OSSL_PARAM_BLD *b)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static OSSL_PARAM_BLD *builder_new(void)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();

    if (b == NULL)
        abort();
    return b;
}

/* RFC 7518 §6.3.1, and what every right RSA key fulfils. */
static bool rsa_right(const BIGNUM *n, const BIGNUM *e)
{
    return BN_num_bits(n) >= JWS_RSA_BITS_MIN && BN_num_bits(n) <= JWS_RSA_BITS_MAX &&
           BN_is_odd(n) && BN_is_odd(e) && BN_num_bits(e) >= 2 && BN_num_bits(e) <= RSA_E_BITS_MAX;
}

struct jws_key *jws_key_rsa(struct str n, struct str e)
{
    BIGNUM *bn_n, *bn_e;
    EVP_PKEY *pkey = NULL;

    if (n.n > 2 * JWS_SIGNATURE_MAX || e.n > JWS_SIGNATURE_MAX)
        return NULL;
    bn_n = BN_bin2bn(n.p, (int)n.n, NULL);
    bn_e = BN_bin2bn(e.p, (int)e.n, NULL);
    if (bn_n == NULL || bn_e == NULL)
        abort();
    if (rsa_right(bn_n, bn_e)) {
        OSSL_PARAM_BLD *b = builder_new();

        if (OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn_n) != 1 ||
            OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, bn_e) != 1)
            abort();
        pkey = pkey_of_take("RSA", b);
    }
    BN_free(bn_n);
    BN_free(bn_e);
    return key_of_take(JWS_RS256, pkey);
}

/* RFC 7518 §6.2.1: each coordinate has exactly its length. That the point is on the
 * curve OpenSSL checks. */
struct jws_key *jws_key_p256(struct str x, struct str y)
{
    uint8_t point[POINT_N] = {POINT_CONVERSION_UNCOMPRESSED};
    OSSL_PARAM_BLD *b;

    if (x.n != P256_N || y.n != P256_N)
        return NULL;
    memcpy(point + 1, x.p, P256_N);
    memcpy(point + 1 + P256_N, y.p, P256_N);
    b = builder_new();
    if (OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) != 1)
        abort();
    return key_of_take(JWS_ES256, pkey_of_take("EC", b));
}

struct jws_key *jws_key_ed25519(struct str x)
{
    if (x.n != JWS_ED25519_N)
        return NULL;
    return key_of_take(JWS_EDDSA, EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x.p, x.n));
}

/* No pass phrase is asked for: a key that has one is refused. */
static int no_phrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
}

struct jws_key *jws_key_pem(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)MIN(pem.n, (size_t)INT32_MAX));
    struct jws_key *k;
    EVP_PKEY *pkey;
    bool signs;

    if (bio == NULL)
        abort();
    pkey = PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL);
    signs = pkey != NULL;
    if (pkey == NULL) {
        (void)BIO_reset(bio);
        pkey = PEM_read_bio_PUBKEY(bio, NULL, no_phrase, NULL);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (pkey != NULL && EVP_PKEY_is_a(pkey, "ED25519") != 1) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    k = key_of_take(JWS_EDDSA, pkey);
    if (k != NULL)
        k->signs = signs;
    return k;
}

void jws_key_free(struct jws_key *k)
{
    if (k == NULL)
        return;
    hmac_fini(&k->mac);
    EVP_MD_CTX_free(k->verifier);
    EVP_PKEY_free(k->pkey);
    free(k);
}

enum jws_alg jws_key_alg(const struct jws_key *k)
{
    return k->alg;
}

bool jws_key_signs(const struct jws_key *k)
{
    return k->signs;
}

void jws_key_public(const struct jws_key *k, uint8_t ret_x[static JWS_ED25519_N])
{
    size_t n = JWS_ED25519_N;
    int ok = k->alg == JWS_EDDSA && EVP_PKEY_get_raw_public_key(k->pkey, ret_x, &n) == 1;

    assert(ok && n == JWS_ED25519_N);
}

/* RFC 7638 §3 and 8037 appendix A.3. */
void jws_key_thumbprint(const struct jws_key *k, char ret_text[static JWS_THUMBPRINT_N])
{
    char x[BASE64_ENCODED_MAX(JWS_ED25519_N)], text[BASE64_ENCODED_MAX(HASH_N)], jwk[128];
    uint8_t raw[JWS_ED25519_N], hash[HASH_N];
    size_t n;
    int len;

    jws_key_public(k, raw);
    n = base64_encode(BASE64_URL, (struct str){raw, sizeof(raw)}, x);
    len = snprintf(jwk, sizeof(jwk), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%.*s\"}", (int)n,
                   x);
    assert(len > 0 && (size_t)len < sizeof(jwk));
    len = EVP_Digest(jwk, (size_t)len, hash, NULL, EVP_sha256(), NULL);
    n = base64_encode(BASE64_URL, (struct str){hash, sizeof(hash)}, text);
    assert(len == 1 && n == JWS_THUMBPRINT_N);
    memcpy(ret_text, text, n);
}

/* RFC 8037 §3.1. */
static size_t sign_ed25519(const struct jws_key *k, struct str input, uint8_t *ret)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = JWS_SIGNATURE_MAX;
    int ok;

    if (ctx == NULL)
        abort();
    ok = EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1 &&
         EVP_DigestSign(ctx, ret, &n, input.p, input.n) == 1;
    assert(ok);
    EVP_MD_CTX_free(ctx);
    return n;
}

size_t jws_sign(const struct jws_key *k, struct str input,
                uint8_t ret_signature[static JWS_SIGNATURE_MAX])
{
    assert(k->signs);
    if (k->alg == JWS_EDDSA)
        return sign_ed25519(k, input, ret_signature);
    hmac_make(&k->mac, input, ret_signature);
    return HASH_N;
}

/* RFC 7518 §3.4: r and s, to what OpenSSL knows. 0 if it is none. */
static size_t der_of(struct str signature, uint8_t der[static DER_MAX])
{
    ECDSA_SIG *sig;
    BIGNUM *r, *s;
    int n;

    if (signature.n != 2 * P256_N)
        return 0;
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(signature.p, P256_N, NULL);
    s = BN_bin2bn(signature.p + P256_N, P256_N, NULL);
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1)
        abort();
    n = i2d_ECDSA_SIG(sig, &der);
    ECDSA_SIG_free(sig);
    return n > 0 ? (size_t)n : 0;
}

static bool verify_public(const struct jws_key *k, struct str input, struct str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool right;

    if (ctx == NULL)
        abort();
    right = EVP_MD_CTX_copy_ex(ctx, k->verifier) == 1 &&
            EVP_DigestVerify(ctx, signature.p, signature.n, input.p, input.n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return right;
}

bool jws_verify(const struct jws_key *k, struct str input, struct str signature)
{
    uint8_t bytes[DER_MAX];

    switch (k->alg) {
    case JWS_HS256:
        hmac_make(&k->mac, input, bytes);
        return str_eq_secret(signature, (struct str){bytes, HASH_N});
    case JWS_ES256:
        signature = (struct str){bytes, der_of(signature, bytes)};
        return signature.n > 0 && verify_public(k, input, signature);
    case JWS_RS256:
        return signature.n == (size_t)EVP_PKEY_get_size(k->pkey) &&
               verify_public(k, input, signature);
    case JWS_EDDSA:
        return verify_public(k, input, signature);
    case JWS_NONE:
        break;
    }
    return false;
}

bool jws_verify_der(const struct jws_key *k, struct str input, struct str signature)
{
    assert(k->alg != JWS_HS256);
    return k->alg == JWS_ES256 ? verify_public(k, input, signature)
                               : jws_verify(k, input, signature);
}
