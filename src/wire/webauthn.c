#include "wire/webauthn.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/str.h"
#include "wire/cbor.h"
#include "wire/jws.h"

#include <openssl/evp.h>

enum {
    HASH_N = 32,
    DEPTH_MAX = 4,
    AUTHENTICATOR_MAX = 3072,
    /* Authenticator data, §6.1. */
    FLAGS_AT = HASH_N,
    COUNT_AT = FLAGS_AT + 1,
    HEAD_N = COUNT_AT + 4,
    AAGUID_N = 16,
    /* Flags. */
    FLAG_PRESENT = 1,
    FLAG_VERIFIED = 4,
    FLAG_MAY_SYNC = 8,
    FLAG_SYNCED = 16,
    FLAG_CREDENTIAL = 64,
    FLAG_EXTENSIONS = 128,
    /* COSE, RFC 9052 §7 and 9053 §7. */
    COSE_TYPE = 1,
    COSE_ALG = 3,
    COSE_OKP = 1,
    COSE_EC2 = 2,
    COSE_RSA = 3,
    COSE_P256 = 1,
    COSE_ED25519 = 6,
    COSE_ES256 = -7,
    COSE_EDDSA = -8,
    COSE_RS256 = -257,
};

static void sha256(struct str s, uint8_t ret[static HASH_N])
{
    int ok = EVP_Digest(s.p, s.n, ret, NULL, EVP_sha256(), NULL);

    assert(ok == 1);
}

/* Client data: §5.8.1. */

struct client_fields {
    struct str type, challenge, origin;
    bool cross;
};

/* Each at most once. */
static bool client_text(const struct json *j, enum json_token t, struct str *field)
{
    if (t != JSON_STRING || field->p != NULL)
        return false;
    *field = j->str;
    return true;
}

static bool client_member(struct json *j, enum json_token t, struct client_fields *f)
{
    if (str_eq(j->key, STR("type")))
        return client_text(j, t, &f->type);
    if (str_eq(j->key, STR("challenge")))
        return client_text(j, t, &f->challenge);
    if (str_eq(j->key, STR("origin")))
        return client_text(j, t, &f->origin);
    if (str_eq(j->key, STR("crossOrigin")) && t != JSON_FALSE)
        f->cross = true;
    return json_skip(j, t);
}

static bool client_parse(struct json *j, struct client_fields *f)
{
    enum json_token t;

    if (json_next(j) != JSON_OBJECT)
        return false;
    while ((t = json_next(j)) != JSON_OBJECT_END)
        if (t == JSON_ERROR || !client_member(j, t, f))
            return false;
    return json_next(j) == JSON_END && f->type.p != NULL && f->challenge.n > 0 && f->origin.n > 0;
}

enum webauthn_result webauthn_client(struct str json, bool made,
                                     uint8_t scratch[static WEBAUTHN_CLIENT_MAX],
                                     struct webauthn_client *ret)
{
    struct client_fields f = {0};
    uint8_t *challenge;
    struct json j;

    if (json.n == 0 || json.n > WEBAUTHN_CLIENT_MAX)
        return WEBAUTHN_BAD_CLIENT;
    memcpy(scratch, json.p, json.n);
    json_init(&j, scratch, json.n, DEPTH_MAX);
    if (!client_parse(&j, &f))
        return WEBAUTHN_BAD_CLIENT;
    if (!str_eq(f.type, made ? STR("webauthn.create") : STR("webauthn.get")))
        return WEBAUTHN_TYPE;
    if (f.cross)
        return WEBAUTHN_CROSS;
    challenge = scratch + (f.challenge.p - scratch);
    if (!base64_decode(BASE64_URL, f.challenge, challenge, &f.challenge.n))
        return WEBAUTHN_BAD_CLIENT;
    *ret = (struct webauthn_client){{challenge, f.challenge.n}, f.origin};
    return WEBAUTHN_OK;
}

/* Public keys. */

struct cose {
    int64_t type, alg, curve;
    struct str x, y; /* by their labels -2 and -3: the coordinates, or e */
    struct str n;    /* RSA's, label -1 */
};

static bool cose_number(const struct cbor_item *item, int64_t *field)
{
    return *field == 0 && cbor_int(item, field);
}

static bool cose_bytes(const struct cbor_item *item, struct str *field)
{
    if (item->kind != CBOR_BYTES || field->p != NULL)
        return false;
    *field = item->str;
    return true;
}

/* Labels that are not known are passed over, with whatever they have. */
static bool cose_member(struct str *rest, struct cose *c)
{
    struct cbor_item label, value;
    struct str behind;
    int64_t l;

    if (!cbor_next(rest, &label))
        return false;
    behind = *rest;
    if (!cbor_int(&label, &l) || (l != COSE_TYPE && l != COSE_ALG && (l < -3 || l > -1)))
        return (label.kind == CBOR_TEXT || label.kind <= CBOR_NEGATIVE) && cbor_skip(rest);
    if (!cbor_next(&behind, &value) || !cbor_skip(rest))
        return false;
    if (l == COSE_TYPE)
        return cose_number(&value, &c->type);
    if (l == COSE_ALG)
        return cose_number(&value, &c->alg);
    if (l == -1)
        return value.kind == CBOR_BYTES ? cose_bytes(&value, &c->n)
                                        : cose_number(&value, &c->curve);
    return cose_bytes(&value, l == -2 ? &c->x : &c->y);
}

/* The key is all of `key`. NULL if it is none that is used here. */
static struct jws_key *cose_key(struct str key)
{
    struct cbor_item map;
    struct cose c = {0};

    if (key.n > WEBAUTHN_KEY_MAX || !cbor_next(&key, &map) || map.kind != CBOR_MAP)
        return NULL;
    for (uint64_t i = 0; i < map.value; i++)
        if (!cose_member(&key, &c))
            return NULL;
    if (key.n > 0)
        return NULL;
    if (c.type == COSE_EC2 && c.alg == COSE_ES256 && c.curve == COSE_P256)
        return jws_key_p256(c.x, c.y);
    if (c.type == COSE_OKP && c.alg == COSE_EDDSA && c.curve == COSE_ED25519)
        return jws_key_ed25519(c.x);
    if (c.type == COSE_RSA && c.alg == COSE_RS256)
        return jws_key_rsa(c.n, c.x);
    return NULL;
}

/* Authenticator data: §6.1. */

struct authenticator {
    unsigned flags;
    uint32_t count;
    struct str rest; /* behind the counter */
};

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum webauthn_result read_head(struct str data, struct str rp, struct authenticator *ret)
{
    uint8_t hash[HASH_N];

    if (data.n < HEAD_N || data.n > AUTHENTICATOR_MAX)
        return WEBAUTHN_BAD_DATA;
    *ret = (struct authenticator){data.p[FLAGS_AT], read_u32(data.p + COUNT_AT),
                                  str_skip(data, HEAD_N)};
    sha256(rp, hash);
    if (memcmp(hash, data.p, HASH_N) != 0)
        return WEBAUTHN_RP;
    if ((ret->flags & FLAG_SYNCED) != 0 && (ret->flags & FLAG_MAY_SYNC) == 0)
        return WEBAUTHN_BAD_DATA;
    return (ret->flags & FLAG_PRESENT) != 0 ? WEBAUTHN_OK : WEBAUTHN_ABSENT;
}

/* §6.5.1: the id and the key. */
static bool read_credential(struct str *rest, struct webauthn_made *ret)
{
    size_t id_n;

    if (rest->n < AAGUID_N + 2)
        return false;
    id_n = (size_t)rest->p[AAGUID_N] << 8 | rest->p[AAGUID_N + 1];
    *rest = str_skip(*rest, AAGUID_N + 2);
    if (id_n == 0 || id_n > WEBAUTHN_ID_MAX || id_n > rest->n)
        return false;
    ret->id = (struct str){rest->p, id_n};
    *rest = str_skip(*rest, id_n);
    ret->key = *rest;
    if (!cbor_skip(rest))
        return false;
    ret->key.n -= rest->n;
    return true;
}

/* What extensions say is passed over; nothing else may follow. */
static bool read_end(const struct authenticator *a, struct str rest)
{
    struct str first = rest;
    struct cbor_item map;

    if ((a->flags & FLAG_EXTENSIONS) == 0)
        return rest.n == 0;
    return cbor_next(&first, &map) && map.kind == CBOR_MAP && cbor_skip(&rest) && rest.n == 0;
}

/* §6.5.4: {fmt, attStmt, authData}. */
static bool read_attestation(struct str attestation, struct str *ret_data)
{
    struct cbor_item item, key;

    *ret_data = (struct str){0};
    if (!cbor_next(&attestation, &item) || item.kind != CBOR_MAP)
        return false;
    for (uint64_t i = 0; i < item.value; i++) {
        struct str value;
        struct cbor_item data;

        if (!cbor_next(&attestation, &key) || key.kind != CBOR_TEXT)
            return false;
        value = attestation;
        if (!cbor_skip(&attestation))
            return false;
        if (!str_eq(key.str, STR("authData")))
            continue;
        if (ret_data->p != NULL || !cbor_next(&value, &data) || data.kind != CBOR_BYTES)
            return false;
        *ret_data = data.str;
    }
    return attestation.n == 0 && ret_data->p != NULL;
}

enum webauthn_result webauthn_made(struct str attestation, struct str rp, struct webauthn_made *ret)
{
    struct webauthn_made made = {0};
    struct authenticator a;
    enum webauthn_result r;
    struct jws_key *key;
    struct str data;

    if (!read_attestation(attestation, &data))
        return WEBAUTHN_BAD_DATA;
    r = read_head(data, rp, &a);
    if (r != WEBAUTHN_OK)
        return r;
    if ((a.flags & FLAG_CREDENTIAL) == 0 || !read_credential(&a.rest, &made) ||
        !read_end(&a, a.rest))
        return WEBAUTHN_BAD_DATA;
    key = cose_key(made.key);
    if (key == NULL)
        return WEBAUTHN_BAD_KEY;
    jws_key_free(key);
    made.count = a.count;
    made.verified = (a.flags & FLAG_VERIFIED) != 0;
    made.synced = (a.flags & FLAG_MAY_SYNC) != 0;
    *ret = made;
    return WEBAUTHN_OK;
}

/* §7.2, steps 21 and 23. */
enum webauthn_result webauthn_proven(struct str authenticator, struct str client,
                                     struct str signature, struct str rp, struct str key,
                                     uint32_t *ret_count)
{
    uint8_t input[AUTHENTICATOR_MAX + HASH_N];
    struct webauthn_made none;
    struct authenticator a;
    struct jws_key *k;
    enum webauthn_result r = read_head(authenticator, rp, &a);
    bool right;

    if (r != WEBAUTHN_OK)
        return r;
    if (((a.flags & FLAG_CREDENTIAL) != 0 && !read_credential(&a.rest, &none)) ||
        !read_end(&a, a.rest))
        return WEBAUTHN_BAD_DATA;
    k = cose_key(key);
    if (k == NULL)
        return WEBAUTHN_BAD_KEY;
    memcpy(input, authenticator.p, authenticator.n);
    sha256(client, input + authenticator.n);
    right = signature.n <= WEBAUTHN_SIGNATURE_MAX &&
            jws_verify_der(k, (struct str){input, authenticator.n + HASH_N}, signature);
    jws_key_free(k);
    if (!right)
        return WEBAUTHN_SIGNATURE;
    *ret_count = a.count;
    return WEBAUTHN_OK;
}

const char *webauthn_why(enum webauthn_result r)
{
    static const char *const why[] = {
        [WEBAUTHN_OK] = "it is right",
        [WEBAUTHN_BAD_CLIENT] = "the client data are malformed",
        [WEBAUTHN_TYPE] = "it was said to something else",
        [WEBAUTHN_CROSS] = "it was said within a page of another origin",
        [WEBAUTHN_BAD_DATA] = "the authenticator data are malformed",
        [WEBAUTHN_RP] = "it is for another domain",
        [WEBAUTHN_ABSENT] = "nobody was there",
        [WEBAUTHN_BAD_KEY] = "the public key cannot be used",
        [WEBAUTHN_SIGNATURE] = "the signature is not right",
    };

    return why[r];
}
