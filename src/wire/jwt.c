#include "wire/jwt.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/str.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

/* {"alg":"HS256","typ":"JWT"} */
#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

enum {
    DEPTH_MAX = 8,
    SIGNATURE_N = 43, /* JWT_MAC_N in base64url */
    USER_ID_N = 24,
    CLAIMS_MAX = (JWT_TOKEN_MAX - SIGNATURE_N - (int)sizeof(HEADER) - 1) / 4 * 3,
};

/* An object that is read member by member. */
struct members {
    struct json json;
    struct str keys[JWT_MEMBERS_MAX];
    size_t n;
};

/* Decodes part into scratch and opens the object that it must be. */
static bool members_open(struct members *m, struct str part, uint8_t *scratch)
{
    size_t n;

    if (!base64_decode(BASE64_URL, part, scratch, &n))
        return false;
    m->n = 0;
    json_init(&m->json, scratch, n, DEPTH_MAX);
    return json_next(&m->json) == JSON_OBJECT;
}

/* The next member's value, or JSON_OBJECT_END if the part ends there rightly. */
static enum json_token members_next(struct members *m)
{
    enum json_token t = json_next(&m->json);

    if (t == JSON_OBJECT_END)
        return json_next(&m->json) == JSON_END ? t : JSON_ERROR;
    if (t == JSON_ERROR || m->n == JWT_MEMBERS_MAX)
        return JSON_ERROR;
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(m->keys[i], m->json.key))
            return JSON_ERROR;
    m->keys[m->n++] = m->json.key;
    return t;
}

/* RFC 7515 §4.1. */
static bool header_right(struct str part, uint8_t *scratch)
{
    struct members m;
    enum json_token t;
    bool alg = false;

    if (!members_open(&m, part, scratch))
        return false;
    while ((t = members_next(&m)) != JSON_OBJECT_END) {
        if (str_eq(m.json.key, STR("crit")))
            return false;
        if (str_eq(m.json.key, STR("alg"))) {
            alg = t == JSON_STRING && str_eq(m.json.str, STR("HS256"));
            if (!alg)
                return false;
        } else if (!json_skip(&m.json, t)) {
            return false;
        }
    }
    return alg;
}

struct times {
    uint64_t not_before_s;
    bool expires;
};

static bool read_text(const struct json *j, enum json_token t, struct str *ret)
{
    if (t != JSON_STRING)
        return false;
    *ret = j->str;
    return true;
}

/* RFC 7519 §2, NumericDate; whole seconds, not before 1970. */
static bool read_time(const struct json *j, enum json_token t, uint64_t *ret_s)
{
    if (t != JSON_INT || j->i64 < 0)
        return false;
    *ret_s = (uint64_t)j->i64;
    return true;
}

static bool read_user_id(const struct json *j, enum json_token t, uint64_t *ret)
{
    return t == JSON_STRING && !str_starts(j->str, STR("0")) && str_to_u64(j->str, ret);
}

/* RFC 7519 §4.1: takes one claim, whose value began with t. */
static bool read_claim(struct json *j, enum json_token t, struct jwt_claims *c, struct times *times)
{
    if (str_eq(j->key, STR("sub")))
        return read_user_id(j, t, &c->user_id);
    if (str_eq(j->key, STR("name")))
        return read_text(j, t, &c->name);
    if (str_eq(j->key, STR("sid")))
        return read_text(j, t, &c->session);
    if (str_eq(j->key, STR("iat")))
        return read_time(j, t, &c->issued_s);
    if (str_eq(j->key, STR("nbf")))
        return read_time(j, t, &times->not_before_s);
    if (str_eq(j->key, STR("exp"))) {
        times->expires = true;
        return read_time(j, t, &c->expires_s);
    }
    if (str_eq(j->key, STR("own"))) {
        c->owner = t == JSON_TRUE;
        return t == JSON_TRUE || t == JSON_FALSE;
    }
    return json_skip(j, t);
}

static bool read_claims(struct str part, uint8_t *scratch, struct jwt_claims *c,
                        struct times *times)
{
    struct members m;
    enum json_token t;

    if (!members_open(&m, part, scratch))
        return false;
    while ((t = members_next(&m)) != JSON_OBJECT_END)
        if (t == JSON_ERROR || !read_claim(&m.json, t, c, times))
            return false;
    return c->user_id > 0 && times->expires;
}

/* RFC 7515 §5.2: whether signature is that of input. */
static bool signature_right(struct str secret, struct str input, struct str signature)
{
    uint8_t mac[JWT_MAC_N], given[BASE64_DECODED_MAX(SIGNATURE_N)];
    size_t n;

    if (signature.n != SIGNATURE_N || !base64_decode(BASE64_URL, signature, given, &n))
        return false;
    jwt_mac(secret, input, mac);
    return str_eq_secret((struct str){given, n}, (struct str){mac, sizeof(mac)});
}

void jwt_mac(struct str secret, struct str input, uint8_t ret_mac[static JWT_MAC_N])
{
    unsigned n = 0;
    const uint8_t *mac;

    assert(secret.n >= JWT_SECRET_MIN && secret.n <= INT32_MAX);
    mac = HMAC(EVP_sha256(), secret.p, (int)secret.n, input.p, input.n, ret_mac, &n);
    assert(mac != NULL && n == JWT_MAC_N);
}

/* RFC 7519 §4.1: c as a JSON object. */
static void put_claims(struct buf *b, const struct jwt_claims *c)
{
    struct json_out o;
    char sub[USER_ID_N];
    int n = snprintf(sub, sizeof(sub), "%" PRIu64, c->user_id);

    assert(n > 0 && (size_t)n < sizeof(sub));
    json_out_init(&o, b);
    json_out_object(&o);
    json_out_field_str(&o, "sub", (struct str){(const uint8_t *)sub, (size_t)n});
    if (c->name.n > 0)
        json_out_field_str(&o, "name", c->name);
    if (c->session.n > 0)
        json_out_field_str(&o, "sid", c->session);
    json_out_field_u64(&o, "iat", c->issued_s);
    json_out_field_u64(&o, "exp", c->expires_s);
    if (c->owner)
        json_out_field_bool(&o, "own", true);
    json_out_object_end(&o);
}

void jwt_sign(struct str secret, const struct jwt_claims *c, struct buf *out)
{
    struct buf claims CLEANUP(buf_fini);
    size_t start = buf_len(out);
    uint8_t mac[JWT_MAC_N];

    buf_init(&claims, CLAIMS_MAX);
    put_claims(&claims, c);
    out->failed |= claims.failed;
    buf_append(out, STR(HEADER "."));
    base64_append(out, BASE64_URL, buf_peek(&claims));
    jwt_mac(secret, str_skip(buf_peek(out), start), mac);
    buf_append_byte(out, '.');
    base64_append(out, BASE64_URL, (struct str){mac, sizeof(mac)});
}

enum jwt_result jwt_verify(struct str secret, struct str token, uint64_t now_s, uint8_t *scratch,
                           size_t scratch_n, struct jwt_claims *ret)
{
    struct str input, signature, header, claims;
    struct jwt_claims c = {0};
    struct times times = {0};

    assert(scratch_n >= JWT_SCRATCH_MIN);
    if (token.n > JWT_TOKEN_MAX || token.n <= SIGNATURE_N)
        return JWT_BAD;
    input = (struct str){token.p, token.n - SIGNATURE_N - 1};
    signature = str_skip(token, input.n + 1);
    if (token.p[input.n] != '.' || !signature_right(secret, input, signature))
        return JWT_BAD;

    claims = input;
    header = str_cut(&claims, '.');
    if (!header_right(header, scratch) || !read_claims(claims, scratch, &c, &times))
        return JWT_BAD;
    if (now_s >= c.expires_s && now_s - c.expires_s >= JWT_SKEW_S)
        return JWT_EXPIRED;
    if (now_s < times.not_before_s && times.not_before_s - now_s > JWT_SKEW_S)
        return JWT_NOT_YET;
    *ret = c;
    return JWT_OK;
}
