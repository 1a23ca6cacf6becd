#include "wire/jwt.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    DEPTH_MAX = 8,
    USER_ID_N = 24,
};

/* A token's parts, as they are: not proven. */
struct parts {
    struct str header, claims, signature;
    struct str input; /* what is signed: the first two and the dot between them */
};

/* RFC 7515 §4.1: which key it names. kid borrows from the scratch. */
struct jwt_head {
    enum jws_alg alg;
    struct str kid;
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

static bool read_text(const struct json *j, enum json_token t, struct str *ret)
{
    if (t != JSON_STRING)
        return false;
    *ret = j->str;
    return true;
}

/* RFC 7515 §3.1. */
static bool split(struct str token, struct parts *ret)
{
    struct str rest = token;

    if (token.n > JWT_TOKEN_MAX)
        return false;
    ret->header = str_cut(&rest, '.');
    ret->claims = str_cut(&rest, '.');
    ret->signature = rest;
    ret->input = (struct str){token.p, ret->header.n + 1 + ret->claims.n};
    return rest.n > 0;
}

/* RFC 7515 §4.1. */
static enum jwt_result read_head(struct str part, uint8_t *scratch, struct jwt_head *ret)
{
    struct members m;
    enum json_token t;
    struct str alg = {0}, kid = {0};

    if (!members_open(&m, part, scratch))
        return JWT_BAD;
    while ((t = members_next(&m)) != JSON_OBJECT_END) {
        struct json *j = &m.json;
        bool ok = !str_eq(j->key, STR("crit"));

        if (str_eq(j->key, STR("alg")))
            ok = read_text(j, t, &alg);
        else if (str_eq(j->key, STR("kid")))
            ok = read_text(j, t, &kid);
        else if (ok)
            ok = json_skip(j, t);
        if (!ok)
            return JWT_BAD;
    }
    ret->alg = jws_alg_of(alg);
    ret->kid = kid;
    return ret->alg != JWS_NONE ? JWT_OK : JWT_ALGORITHM;
}

/* RFC 7515 §5.2: the token's signature is that of the key that it names. */
static enum jwt_result prove(const struct jwks *keys, const struct parts *p,
                             const struct jwt_head *h)
{
    uint8_t signature[BASE64_DECODED_MAX(BASE64_ENCODED_MAX(JWS_SIGNATURE_MAX))];
    const struct jws_key *key;
    bool known;
    size_t n;

    if (h->kid.n > JWKS_KID_MAX || p->signature.n > BASE64_ENCODED_MAX(JWS_SIGNATURE_MAX) ||
        !base64_decode(BASE64_URL, p->signature, signature, &n))
        return JWT_BAD;
    key = jwks_find(keys, h->kid, h->alg, &known);
    if (key == NULL)
        return known ? JWT_ALGORITHM : JWT_NO_KEY;
    return jws_verify(key, p->input, (struct str){signature, n}) ? JWT_OK : JWT_SIGNATURE;
}

/* RFC 7519 §2, NumericDate; whole seconds, not before 1970. */
static bool read_time(const struct json *j, enum json_token t, uint64_t *ret_s)
{
    if (t != JSON_INT || j->i64 < 0)
        return false;
    *ret_s = (uint64_t)j->i64;
    return true;
}

/* RFC 7519 §4.1.4 to §4.1.6. */
struct times {
    uint64_t issued_s, not_before_s, expires_s;
    bool expires;
};

/* Takes a claim that is a time. *ret_is: it is one. */
static bool read_times(const struct json *j, enum json_token t, struct times *times, bool *ret_is)
{
    *ret_is = true;
    if (str_eq(j->key, STR("iat")))
        return read_time(j, t, &times->issued_s);
    if (str_eq(j->key, STR("nbf")))
        return read_time(j, t, &times->not_before_s);
    if (str_eq(j->key, STR("exp"))) {
        times->expires = true;
        return read_time(j, t, &times->expires_s);
    }
    *ret_is = false;
    return true;
}

static enum jwt_result check_times(const struct times *t, uint64_t now_s, uint64_t skew_s)
{
    if (now_s >= t->expires_s && now_s - t->expires_s >= skew_s)
        return JWT_EXPIRED;
    if (now_s < t->not_before_s && t->not_before_s - now_s > skew_s)
        return JWT_NOT_YET;
    return JWT_OK;
}

/* Own tokens. */

static bool read_user_id(const struct json *j, enum json_token t, uint64_t *ret)
{
    return t == JSON_STRING && !str_starts(j->str, STR("0")) && str_to_u64(j->str, ret);
}

/* RFC 7519 §4.1: takes one claim, whose value began with t. */
static bool read_claim(struct json *j, enum json_token t, struct jwt_claims *c, struct times *times)
{
    bool is_time, ok = read_times(j, t, times, &is_time);

    if (is_time)
        return ok;
    if (str_eq(j->key, STR("sub")))
        return read_user_id(j, t, &c->user_id);
    if (str_eq(j->key, STR("name")))
        return read_text(j, t, &c->name);
    if (str_eq(j->key, STR("sid")))
        return read_text(j, t, &c->session);
    if (str_eq(j->key, STR("run")))
        return read_text(j, t, &c->run);
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
    c->issued_s = times->issued_s;
    c->expires_s = times->expires_s;
    return c->user_id > 0 && times->expires;
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
    if (c->run.n > 0)
        json_out_field_str(&o, "run", c->run);
    json_out_field_u64(&o, "iat", c->issued_s);
    json_out_field_u64(&o, "exp", c->expires_s);
    if (c->owner)
        json_out_field_bool(&o, "own", true);
    json_out_object_end(&o);
}

static void put_head(struct buf *b, const struct jws_key *key, struct str kid)
{
    struct json_out o;

    json_out_init(&o, b);
    json_out_object(&o);
    json_out_field_str(&o, "alg", str_of(jws_alg_name(jws_key_alg(key))));
    json_out_field_str(&o, "typ", STR("JWT"));
    if (kid.n > 0)
        json_out_field_str(&o, "kid", kid);
    json_out_object_end(&o);
}

void jwt_sign(const struct jws_key *key, struct str kid, const struct jwt_claims *c,
              struct buf *out)
{
    struct buf part CLEANUP(buf_fini);
    size_t start = buf_len(out);
    uint8_t signature[JWS_SIGNATURE_MAX];
    size_t n;

    buf_init(&part, JWT_SCRATCH_MIN);
    put_head(&part, key, kid);
    base64_append(out, BASE64_URL, buf_peek(&part));
    out->failed |= part.failed;
    buf_clear(&part);
    put_claims(&part, c);
    out->failed |= part.failed;
    buf_append_byte(out, '.');
    base64_append(out, BASE64_URL, buf_peek(&part));
    n = jws_sign(key, str_skip(buf_peek(out), start), signature);
    buf_append_byte(out, '.');
    base64_append(out, BASE64_URL, (struct str){signature, n});
    if (buf_len(out) - start > JWT_TOKEN_MAX)
        out->failed = true;
}

enum jwt_result jwt_verify(const struct jwks *keys, struct str token, uint64_t now_s,
                           uint8_t *scratch, size_t scratch_n, struct jwt_claims *ret)
{
    struct jwt_claims c = {0};
    struct times times = {0};
    struct parts p;
    struct jwt_head h;
    enum jwt_result r;

    assert(scratch_n >= JWT_SCRATCH_MIN);
    if (!split(token, &p))
        return JWT_BAD;
    r = read_head(p.header, scratch, &h);
    if (r == JWT_OK)
        r = prove(keys, &p, &h);
    if (r != JWT_OK)
        return r;
    if (!read_claims(p.claims, scratch, &c, &times))
        return JWT_BAD;
    r = check_times(&times, now_s, JWT_SKEW_S);
    if (r == JWT_OK)
        *ret = c;
    return r;
}

/* Those of an outside issuer. */

/* What was read of one. */
struct issued {
    struct times times;
    struct str issuer, subject, client, use;
    struct str origin, sid, jti;
    struct str name;
    size_t name_rank; /* which of rules->names it is from */
    bool audience;    /* one of `aud` is ours */
    bool is_event;    /* a logout token or the like: not a session's */
};

static bool is_audience(const struct jwt_rules *rules, struct str s)
{
    for (size_t i = 0; i < rules->audiences_n; i++)
        if (str_eq(rules->audiences[i], s))
            return true;
    return false;
}

/* RFC 7519 §4.1.3: a string, or an array of them. */
static bool read_audience(const struct jwt_rules *rules, struct json *j, enum json_token t,
                          struct issued *c)
{
    if (t == JSON_STRING) {
        c->audience = is_audience(rules, j->str);
        return true;
    }
    if (t != JSON_ARRAY)
        return false;
    while ((t = json_next(j)) != JSON_ARRAY_END) {
        if (t != JSON_STRING)
            return false;
        c->audience = c->audience || is_audience(rules, j->str);
    }
    return true;
}

/* The claims that are text, by where they are kept. */
static struct str *text_of(struct issued *c, struct str name)
{
    const struct {
        const char *name;
        struct str *to;
    } all[] = {{"iss", &c->issuer},    {"sub", &c->subject},       {"client_id", &c->client},
               {"token_use", &c->use}, {"origin_jti", &c->origin}, {"sid", &c->sid},
               {"jti", &c->jti}};

    for (size_t i = 0; i < COUNTOF(all); i++)
        if (str_eq(name, str_of(all[i].name)))
            return all[i].to;
    return NULL;
}

/* Is it a better name than what there is? */
static void take_name(const struct jwt_rules *rules, const struct json *j, enum json_token t,
                      struct issued *c)
{
    for (size_t i = 0; i < c->name_rank; i++) {
        if (t != JSON_STRING || j->str.n == 0 || !str_eq(j->key, rules->names[i]))
            continue;
        c->name = j->str;
        c->name_rank = i;
    }
}

static bool read_issued_claim(const struct jwt_rules *rules, struct json *j, enum json_token t,
                              struct issued *c)
{
    struct str *text = text_of(c, j->key);
    bool is_time, ok = read_times(j, t, &c->times, &is_time);

    take_name(rules, j, t, c);
    if (text != NULL)
        return read_text(j, t, text);
    if (is_time)
        return ok;
    if (str_eq(j->key, STR("aud")))
        return read_audience(rules, j, t, c);
    if (str_eq(j->key, STR("events")))
        c->is_event = true;
    return json_skip(j, t);
}

static bool read_issued(const struct jwt_rules *rules, struct str part, uint8_t *scratch,
                        struct issued *c)
{
    struct members m;
    enum json_token t;

    *c = (struct issued){.name_rank = rules->names_n};
    if (!members_open(&m, part, scratch))
        return false;
    while ((t = members_next(&m)) != JSON_OBJECT_END)
        if (t == JSON_ERROR || !read_issued_claim(rules, &m.json, t, c))
            return false;
    return true;
}

/* OpenID Connect Core §3.1.3.7. Cognito says in `token_use` which kind it is; its
 * access tokens have no `aud`. */
static enum jwt_result check_issued(const struct jwt_rules *rules, const struct issued *c,
                                    uint64_t now_s)
{
    bool access = str_eq(c->use, STR("access"));
    bool audience = access ? is_audience(rules, c->client) : c->audience;

    if (c->subject.n == 0 || c->subject.n > JWT_SUBJECT_MAX || !c->times.expires || c->is_event)
        return JWT_BAD;
    if (c->use.n > 0 && !access && !str_eq(c->use, STR("id")))
        return JWT_BAD;
    if (!str_eq(c->issuer, rules->issuer))
        return JWT_ISSUER;
    if (!audience)
        return JWT_AUDIENCE;
    return check_times(&c->times, now_s, rules->skew_s);
}

enum jwt_result jwt_verify_issued(const struct jwt_rules *rules, const struct jwks *keys,
                                  struct str token, uint64_t now_s, uint8_t *scratch,
                                  size_t scratch_n, struct jwt_issued *ret)
{
    struct issued c;
    struct parts p;
    struct jwt_head h;
    enum jwt_result r, proven;

    assert(scratch_n >= JWT_SCRATCH_MIN);
    if (!split(token, &p))
        return JWT_BAD;
    r = read_head(p.header, scratch, &h);
    if (r == JWT_OK && h.alg == JWS_HS256)
        r = JWT_ALGORITHM;
    if (r != JWT_OK)
        return r;
    proven = prove(keys, &p, &h);
    if (proven != JWT_OK && proven != JWT_NO_KEY)
        return proven;
    if (!read_issued(rules, p.claims, scratch, &c))
        return JWT_BAD;
    if (proven == JWT_NO_KEY) {
        ret->issued_s = c.times.issued_s;
        return proven;
    }
    r = check_issued(rules, &c, now_s);
    if (r != JWT_OK)
        return r;
    *ret = (struct jwt_issued){
        .subject = c.subject,
        .name = c.name,
        .session = c.origin.n > 0 ? c.origin
                   : c.sid.n > 0  ? c.sid
                                  : c.jti,
        .lasting = c.origin.n > 0 || c.sid.n > 0,
        .issued_s = c.times.issued_s,
        .expires_s = c.times.expires_s,
    };
    return JWT_OK;
}
