#include "lib/passkey_rig.h"

#include "base/base64.h"
#include "base/str.h"
#include "lib/check.h"

#include <openssl/ec.h>
#include <stdio.h>

enum { HEAD_N = 37, DATA_MAX = 256, HASH_N = 32, PRESENT = 5, CREDENTIAL = 64 };

static void text_of(struct str bytes, char *ret)
{
    ret[base64_encode(BASE64_URL, bytes, ret)] = '\0';
}

void passkey_rig_init(struct passkey_rig *r, const char *origin, const char *rp, uint8_t seed)
{
    *r = (struct passkey_rig){.origin = origin, .rp = rp};
    r->key = EVP_EC_gen("P-256");
    assert_non_null(r->key);
    for (unsigned i = 0; i < sizeof(r->id); i++)
        r->id[i] = (uint8_t)(seed + i);
    text_of((struct str){r->id, sizeof(r->id)}, r->id_text);
}

void passkey_rig_fini(struct passkey_rig *r)
{
    EVP_PKEY_free(r->key);
}

static struct str client_of(struct passkey_rig *r, const char *type, const char *challenge,
                            char json[static PASSKEY_RIG_TEXT_MAX])
{
    int n = snprintf(json, PASSKEY_RIG_TEXT_MAX,
                     "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\"}",
                     r->type != NULL ? r->type : type, challenge, r->origin);
    struct str s = {(const uint8_t *)json, (size_t)n};

    assert_true(n < 700);
    text_of(s, r->client);
    return s;
}

static size_t head_of(struct passkey_rig *r, unsigned flags, uint8_t data[static DATA_MAX])
{
    int ok = EVP_Digest(r->rp, strlen(r->rp), data, NULL, EVP_sha256(), NULL);

    assert_int_equal(ok, 1);
    r->count += r->silent ? 0 : 1;
    data[32] = (uint8_t)flags;
    for (unsigned i = 0; i < 4; i++)
        data[33 + i] = (uint8_t)(r->count >> (24 - 8 * i));
    return HEAD_N;
}

static size_t put(uint8_t *to, size_t n, struct str s)
{
    memcpy(to + n, s.p, s.n);
    return n + s.n;
}

/* CBOR of {1: 2, 3: -7, -1: 1, -2: x, -3: y}. */
static size_t put_key(const struct passkey_rig *r, uint8_t *to, size_t n)
{
    static const uint8_t x_head[] = {0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32};
    static const uint8_t y_head[] = {0x22, 0x58, 32};
    uint8_t point[65];
    size_t point_n = 0;

    assert_int_equal(
        EVP_PKEY_get_octet_string_param(r->key, "encoded-pub-key", point, sizeof(point), &point_n),
        1);
    assert_int_equal(point_n, sizeof(point));
    n = put(to, n, (struct str){x_head, sizeof(x_head)});
    n = put(to, n, (struct str){point + 1, 32});
    n = put(to, n, (struct str){y_head, sizeof(y_head)});
    return put(to, n, (struct str){point + 33, 32});
}

void passkey_rig_make(struct passkey_rig *r, const char *challenge)
{
    char json[PASSKEY_RIG_TEXT_MAX];
    uint8_t data[DATA_MAX], object[DATA_MAX + 64];
    size_t n = head_of(r, PRESENT | CREDENTIAL, data), object_n;

    (void)client_of(r, "webauthn.create", challenge, json);
    memset(data + n, 0, 16);
    n += 16;
    data[n++] = 0;
    data[n++] = sizeof(r->id);
    n = put(data, n, (struct str){r->id, sizeof(r->id)});
    n = put_key(r, data, n);
    object_n = put(object, 0,
                   STR("\xa3\x63"
                       "fmt\x64"
                       "none\x67"
                       "attStmt\xa0\x68"
                       "authData\x58"));
    object[object_n++] = (uint8_t)n;
    object_n = put(object, object_n, (struct str){data, n});
    text_of((struct str){object, object_n}, r->attestation);
}

void passkey_rig_prove(struct passkey_rig *r, const char *challenge)
{
    char json[PASSKEY_RIG_TEXT_MAX];
    struct str client = client_of(r, "webauthn.get", challenge, json);
    uint8_t data[DATA_MAX], signature[128];
    size_t n = head_of(r, PRESENT, data), signature_n = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    text_of((struct str){data, n}, r->data);
    assert_int_equal(EVP_Digest(client.p, client.n, data + n, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, r->key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &signature_n, data, n + HASH_N), 1);
    EVP_MD_CTX_free(ctx);
    text_of((struct str){signature, signature_n}, r->signature);
}
