#include "wire/jwks.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    DEPTH_MAX = 6, /* certificates are arrays within a key */
    NUMBER_MAX = 1024,
};

struct jwks_entry {
    struct jws_key *key;
    size_t kid_n;
    char kid[JWKS_KID_MAX];
};

struct jwks {
    _Atomic uint32_t refs;
    size_t n;
    struct jwks_entry entries[JWKS_KEYS_MAX];
};

struct jwks *jwks_new(void)
{
    struct jwks *s = mem_zeroed(1, sizeof(*s));

    atomic_init(&s->refs, 1);
    return s;
}

void jwks_add_take(struct jwks *s, struct str kid, struct jws_key *key)
{
    struct jwks_entry *e = &s->entries[s->n];

    assert(s->n < JWKS_KEYS_MAX && kid.n <= JWKS_KID_MAX && key != NULL);
    s->n++;
    e->key = key;
    e->kid_n = kid.n;
    if (kid.n > 0)
        memcpy(e->kid, kid.p, kid.n);
}

struct jwks *jwks_ref(struct jwks *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void jwks_unref(struct jwks *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < s->n; i++)
        jws_key_free(s->entries[i].key);
    free(s);
}

size_t jwks_count(const struct jwks *s)
{
    return s->n;
}

static struct str kid_of(const struct jwks_entry *e)
{
    return (struct str){(const uint8_t *)e->kid, e->kid_n};
}

static const struct jws_key *find_only(const struct jwks *s, enum jws_alg alg)
{
    const struct jws_key *found = NULL;

    for (size_t i = 0; i < s->n; i++) {
        if (jws_key_alg(s->entries[i].key) != alg)
            continue;
        if (found != NULL)
            return NULL;
        found = s->entries[i].key;
    }
    return found;
}

const struct jws_key *jwks_find(const struct jwks *s, struct str kid, enum jws_alg alg,
                                bool *ret_known)
{
    *ret_known = false;
    if (kid.n == 0)
        return find_only(s, alg);
    for (size_t i = 0; i < s->n; i++) {
        if (!str_eq(kid_of(&s->entries[i]), kid))
            continue;
        if (jws_key_alg(s->entries[i].key) == alg)
            return s->entries[i].key;
        *ret_known = true;
    }
    return NULL;
}

/* Parsing. */

/* The members of a key that matter: each may occur once. */
enum member { KTY, CRV, N, E, X, Y, KID, USE, ALG, MEMBERS_N };

static const char *const member_names[MEMBERS_N] = {"kty", "crv", "n",   "e",  "x",
                                                    "y",   "kid", "use", "alg"};

struct jwk {
    struct str at[MEMBERS_N];
    bool has[MEMBERS_N];
    bool usable;    /* by its key_ops, and nothing so far is against it */
    bool ops;       /* key_ops was there */
    bool is_secret; /* holds what must not be published */
};

static enum member member_of(struct str name)
{
    unsigned i = 0;

    while (i < MEMBERS_N && !str_eq(name, str_of(member_names[i])))
        i++;
    return (enum member)i;
}

/* RFC 7518 §6.2.2, §6.3.2, §6.4: what only private and symmetric keys have. */
static bool is_private_member(struct str name)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

    for (size_t i = 0; i < COUNTOF(names); i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* RFC 7517 §4.3: an array of strings, whose `[` was read. */
static bool read_ops(struct json *j, struct jwk *k)
{
    enum json_token t;
    bool verify = false;

    if (k->ops)
        return false;
    k->ops = true;
    while ((t = json_next(j)) != JSON_ARRAY_END) {
        if (t != JSON_STRING)
            return false;
        verify = verify || str_eq(j->str, STR("verify"));
    }
    k->usable = k->usable && verify;
    return true;
}

static bool read_member(struct json *j, enum json_token t, struct jwk *k)
{
    enum member m = member_of(j->key);

    if (is_private_member(j->key))
        k->is_secret = true;
    if (str_eq(j->key, STR("key_ops")))
        return t == JSON_ARRAY && read_ops(j, k);
    if (m == MEMBERS_N)
        return json_skip(j, t);
    if (t != JSON_STRING || k->has[m])
        return false;
    k->has[m] = true;
    k->at[m] = j->str;
    return true;
}

static bool is_text(const struct jwk *k, enum member m, const char *text)
{
    return k->has[m] && str_eq(k->at[m], str_of(text));
}

/* RFC 7518 §6.3.1: Base64urlUInt. */
static bool number(const struct jwk *k, enum member m, uint8_t buf[static NUMBER_MAX],
                   struct str *ret)
{
    size_t n;

    if (!k->has[m] || k->at[m].n == 0 || BASE64_DECODED_MAX(k->at[m].n) > NUMBER_MAX ||
        !base64_decode(BASE64_URL, k->at[m], buf, &n))
        return false;
    *ret = (struct str){buf, n};
    return true;
}

static struct jws_key *make_key(const struct jwk *k)
{
    uint8_t a[NUMBER_MAX], b[NUMBER_MAX];
    struct str first, second;

    if (is_text(k, KTY, "RSA"))
        return number(k, N, a, &first) && number(k, E, b, &second) ? jws_key_rsa(first, second)
                                                                   : NULL;
    if (is_text(k, KTY, "EC") && is_text(k, CRV, "P-256"))
        return number(k, X, a, &first) && number(k, Y, b, &second) ? jws_key_p256(first, second)
                                                                   : NULL;
    if (is_text(k, KTY, "OKP") && is_text(k, CRV, "Ed25519"))
        return number(k, X, a, &first) ? jws_key_ed25519(first) : NULL;
    return NULL;
}

/* Adds the key unless it is one to be left out. */
static enum jwks_result add_key(struct jwks *s, const struct jwk *k)
{
    struct str kid = k->has[KID] ? k->at[KID] : (struct str){0};
    struct jws_key *key;
    bool known;

    if (k->is_secret || is_text(k, KTY, "oct"))
        return JWKS_PRIVATE;
    if (!k->usable || kid.n > JWKS_KID_MAX || (k->has[USE] && !is_text(k, USE, "sig")))
        return JWKS_OK;
    key = make_key(k);
    if (key == NULL || (k->has[ALG] && jws_alg_of(k->at[ALG]) != jws_key_alg(key))) {
        jws_key_free(key);
        return JWKS_OK;
    }
    if (kid.n > 0 && jwks_find(s, kid, jws_key_alg(key), &known) != NULL) {
        jws_key_free(key);
        return JWKS_AMBIGUOUS;
    }
    jwks_add_take(s, kid, key);
    return JWKS_OK;
}

/* The elements of `keys`, whose `[` was read. */
static enum jwks_result read_keys(struct json *j, struct jwks *s)
{
    unsigned n = 0;
    enum json_token t;

    while ((t = json_next(j)) != JSON_ARRAY_END) {
        struct jwk k = {.usable = true};
        enum jwks_result r;

        if (t != JSON_OBJECT)
            return JWKS_BAD;
        if (++n > JWKS_KEYS_MAX)
            return JWKS_TOO_BIG;
        while ((t = json_next(j)) != JSON_OBJECT_END)
            if (t == JSON_ERROR || !read_member(j, t, &k))
                return JWKS_BAD;
        r = add_key(s, &k);
        if (r != JWKS_OK)
            return r;
    }
    return JWKS_OK;
}

static enum jwks_result read_set(struct json *j, struct jwks *s)
{
    enum jwks_result r;
    bool keys = false;
    enum json_token t;

    if (json_next(j) != JSON_OBJECT)
        return JWKS_BAD;
    while ((t = json_next(j)) != JSON_OBJECT_END) {
        if (!str_eq(j->key, STR("keys"))) {
            if (!json_skip(j, t))
                return JWKS_BAD;
            continue;
        }
        if (t != JSON_ARRAY || keys)
            return JWKS_BAD;
        keys = true;
        r = read_keys(j, s);
        if (r != JWKS_OK)
            return r;
    }
    if (json_next(j) != JSON_END || !keys)
        return JWKS_BAD;
    return s->n > 0 ? JWKS_OK : JWKS_EMPTY;
}

enum jwks_result jwks_parse(struct str text, struct jwks **ret_set)
{
    struct jwks *s;
    struct json j;
    uint8_t *copy;
    enum jwks_result r;

    if (text.n > JWKS_SIZE_MAX)
        return JWKS_TOO_BIG;
    copy = mem_bytes(text.n + 1);
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    s = jwks_new();
    json_init(&j, copy, text.n, DEPTH_MAX);
    r = read_set(&j, s);
    free(copy);
    if (r == JWKS_OK)
        *ret_set = s;
    else
        jwks_unref(s);
    return r;
}

const char *jwks_why(enum jwks_result r)
{
    static const char *const texts[] = {
        [JWKS_OK] = "it is a set of keys",
        [JWKS_BAD] = "it is not a JSON Web Key Set",
        [JWKS_TOO_BIG] = "it has more than 64 KiB or 32 keys",
        [JWKS_PRIVATE] = "it holds a private key or a secret",
        [JWKS_AMBIGUOUS] = "two of its keys have the same kid",
        [JWKS_EMPTY] = "none of its keys is for RS256, ES256 or EdDSA",
    };

    return texts[r];
}

/* RFC 8037 §2. */
static void put_key(struct json_out *o, const struct jwks_entry *e)
{
    char text[BASE64_ENCODED_MAX(JWS_ED25519_N)];
    uint8_t x[JWS_ED25519_N];
    size_t n;

    jws_key_public(e->key, x);
    n = base64_encode(BASE64_URL, (struct str){x, sizeof(x)}, text);
    json_out_object(o);
    json_out_field_str(o, "kty", STR("OKP"));
    json_out_field_str(o, "crv", STR("Ed25519"));
    json_out_field_str(o, "alg", STR("EdDSA"));
    json_out_field_str(o, "use", STR("sig"));
    json_out_field_str(o, "kid", kid_of(e));
    json_out_field_str(o, "x", (struct str){(const uint8_t *)text, n});
    json_out_object_end(o);
}

void jwks_publish(const struct jwks *s, struct buf *out)
{
    struct json_out o;

    json_out_init(&o, out);
    json_out_object(&o);
    json_out_key(&o, "keys");
    json_out_array(&o);
    for (size_t i = 0; i < s->n; i++)
        if (jws_key_alg(s->entries[i].key) == JWS_EDDSA)
            put_key(&o, &s->entries[i]);
    json_out_array_end(&o);
    json_out_object_end(&o);
}
