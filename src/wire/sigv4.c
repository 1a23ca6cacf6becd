#include "wire/sigv4.h"

#include "base/hex.h"
#include "base/str.h"
#include "base/utc.h"
#include "wire/url.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEX_N = 2 * SIGV4_HASH_N,
    CANONICAL_MAX = 1024 * 1024,
    SECONDS_OF_DAY = 86400,
};

#define ALGORITHM "AWS4-HMAC-SHA256"

/* A name and a value of a header or a parameter. */
struct pair {
    struct str name, value;
};

/* What one signature is made of. */
struct signing {
    struct sigv4_key *key;
    const struct sigv4_credentials *who;
    const struct sigv4_request *r;
    char stamp[UTC_BASIC_LEN + 1];
    struct pair headers[SIGV4_HEADERS_MAX];
    unsigned headers_n;
    struct pair params[SIGV4_PARAMS_MAX];
    unsigned params_n;
    struct buf scope, canonical;
};

static void sha256(struct str s, uint8_t ret[static SIGV4_HASH_N])
{
    static const uint8_t nothing[1];

    if (EVP_Digest(s.n > 0 ? s.p : nothing, s.n, ret, NULL, EVP_sha256(), NULL) != 1)
        abort();
}

static void hmac(const uint8_t *key, size_t key_n, struct str s, uint8_t ret[static SIGV4_HASH_N])
{
    if (HMAC(EVP_sha256(), key, (int)key_n, s.p, s.n, ret, NULL) == NULL)
        abort();
}

static void append_hex(struct buf *b, const uint8_t *p, size_t n)
{
    uint8_t *to = buf_reserve(b, 2 * n);

    if (to == NULL)
        return;
    (void)hex_write((char *)to, p, n);
    buf_commit(b, 2 * n);
}

static void append_hash(struct buf *b, struct str s)
{
    uint8_t hash[SIGV4_HASH_N];

    sha256(s, hash);
    append_hex(b, hash, sizeof(hash));
}

/* The key: derived once for each day, region and service. */

static bool sigv4_is_name(const char *kept, struct str name)
{
    return str_eq(str_of(kept), name);
}

static void keep_name(char kept[static SIGV4_NAME_MAX], struct str name)
{
    memcpy(kept, name.p, name.n);
    kept[name.n] = '\0';
}

static void derive(struct sigv4_key *k, struct str secret, const struct signing *s)
{
    uint32_t day = (uint32_t)(s->r->now_s / SECONDS_OF_DAY);
    uint8_t hash[SIGV4_HASH_N];
    struct buf b CLEANUP(buf_fini);

    buf_init(&b, CANONICAL_MAX);
    sha256(secret, hash);
    if (k->day == day && memcmp(k->secret_hash, hash, sizeof(hash)) == 0 &&
        sigv4_is_name(k->region, s->r->region) && sigv4_is_name(k->service, s->r->service))
        return;
    k->day = day;
    memcpy(k->secret_hash, hash, sizeof(hash));
    keep_name(k->region, s->r->region);
    keep_name(k->service, s->r->service);
    buf_append(&b, STR("AWS4"));
    buf_append(&b, secret);
    hmac(buf_peek(&b).p, buf_len(&b), (struct str){(const uint8_t *)s->stamp, 8}, k->key);
    OPENSSL_cleanse((void *)(uintptr_t)buf_peek(&b).p, buf_len(&b));
    hmac(k->key, sizeof(k->key), s->r->region, k->key);
    hmac(k->key, sizeof(k->key), s->r->service, k->key);
    hmac(k->key, sizeof(k->key), STR("aws4_request"), k->key);
}

void sigv4_key_fini(struct sigv4_key *k)
{
    OPENSSL_cleanse(k, sizeof(*k));
}

/* The canonical request. */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int compare_params(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int c = str_order(x->name, y->name);

    return c != 0 ? c : str_order(x->value, y->value);
}

/* By their names in lower case. */
static int compare_headers(const void *a, const void *b)
{
    struct str x = ((const struct pair *)a)->name, y = ((const struct pair *)b)->name;

    for (size_t i = 0; i < MIN(x.n, y.n); i++)
        if (lower(x.p[i]) != lower(y.p[i]))
            return lower(x.p[i]) - lower(y.p[i]);
    return (x.n > y.n) - (x.n < y.n);
}

static void append_lower(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_append_byte(b, lower(s.p[i]));
}

/* Without spaces around it, and single ones within. */
static void append_value(struct buf *b, struct str s)
{
    s = str_trim(s);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' || s.p[i - 1] != ' ')
            buf_append_byte(b, s.p[i]);
}

static void append_names(struct buf *b, const struct signing *s)
{
    for (unsigned i = 0; i < s->headers_n; i++) {
        if (i > 0)
            buf_append_byte(b, ';');
        append_lower(b, s->headers[i].name);
    }
}

static void append_query(struct buf *b, const struct signing *s)
{
    for (unsigned i = 0; i < s->params_n; i++) {
        if (i > 0)
            buf_append_byte(b, '&');
        buf_append(b, s->params[i].name);
        buf_append_byte(b, '=');
        buf_append(b, s->params[i].value);
    }
}

/* Each segment of the path is encoded once more; the slashes stay. */
static void append_path(struct buf *b, struct str path)
{
    if (path.n == 0)
        buf_append_byte(b, '/');
    while (path.n > 0) {
        const uint8_t *slash = memchr(path.p, '/', path.n);
        size_t n = slash != NULL ? (size_t)(slash - path.p) : path.n;

        url_encode(b, (struct str){path.p, n});
        path = str_skip(path, n);
        if (path.n > 0) {
            buf_append_byte(b, '/');
            path = str_skip(path, 1);
        }
    }
}

static void make_canonical(struct signing *s)
{
    struct buf *b = &s->canonical;

    qsort(s->headers, s->headers_n, sizeof(s->headers[0]), compare_headers);
    qsort(s->params, s->params_n, sizeof(s->params[0]), compare_params);
    buf_append(b, s->r->method);
    buf_append_byte(b, '\n');
    append_path(b, s->r->path);
    buf_append_byte(b, '\n');
    append_query(b, s);
    buf_append_byte(b, '\n');
    for (unsigned i = 0; i < s->headers_n; i++) {
        append_lower(b, s->headers[i].name);
        buf_append_byte(b, ':');
        append_value(b, s->headers[i].value);
        buf_append_byte(b, '\n');
    }
    buf_append_byte(b, '\n');
    append_names(b, s);
    buf_append_byte(b, '\n');
    append_hash(b, s->r->body);
}

/* Signing. */

static void append_signature(struct buf *out, struct signing *s)
{
    struct buf b CLEANUP(buf_fini);
    uint8_t mac[SIGV4_HASH_N];

    make_canonical(s);
    buf_init(&b, CANONICAL_MAX);
    buf_printf(&b, ALGORITHM "\n%s\n", s->stamp);
    buf_append(&b, buf_peek(&s->scope));
    buf_append_byte(&b, '\n');
    append_hash(&b, buf_peek(&s->canonical));
    derive(s->key, s->who->secret_key, s);
    hmac(s->key->key, sizeof(s->key->key), buf_peek(&b), mac);
    append_hex(out, mac, sizeof(mac));
}

static bool add_header(struct signing *s, struct str name, struct str value)
{
    if (s->headers_n == SIGV4_HEADERS_MAX)
        return false;
    s->headers[s->headers_n++] = (struct pair){name, value};
    return true;
}

static bool add_param(struct signing *s, struct str name, struct str value)
{
    if (s->params_n == SIGV4_PARAMS_MAX)
        return false;
    s->params[s->params_n++] = (struct pair){name, value};
    return true;
}

static bool sigv4_begin(struct signing *s, struct sigv4_key *k, const struct sigv4_credentials *c,
                        const struct sigv4_request *r)
{
    struct str query = r->query, name, value;

    *s = (struct signing){.key = k, .who = c, .r = r};
    if (r->region.n >= SIGV4_NAME_MAX || r->service.n >= SIGV4_NAME_MAX)
        return false;
    buf_init(&s->scope, CANONICAL_MAX);
    buf_init(&s->canonical, CANONICAL_MAX);
    utc_basic((int64_t)r->now_s, s->stamp);
    buf_printf(&s->scope, "%.8s/%.*s/%.*s/aws4_request", s->stamp, STR_ARGS(r->region),
               STR_ARGS(r->service));
    while (url_query_next(&query, &name, &value))
        if (!add_param(s, name, value))
            return false;
    return add_header(s, STR("host"), r->host);
}

static void sigv4_end(struct signing *s)
{
    buf_fini(&s->scope);
    buf_fini(&s->canonical);
}

static bool add_headers(struct signing *s)
{
    for (unsigned i = 0; i < s->r->headers_n; i++) {
        struct str value = s->r->headers[i], name = str_cut(&value, ':');

        if (!add_header(s, name, value))
            return false;
    }
    return add_header(s, STR("x-amz-date"), str_of(s->stamp)) &&
           (s->who->token.n == 0 || add_header(s, STR("x-amz-security-token"), s->who->token));
}

bool sigv4_headers(struct sigv4_key *k, const struct sigv4_credentials *c,
                   const struct sigv4_request *r, struct buf *out)
{
    struct signing s;
    bool ok = sigv4_begin(&s, k, c, r) && add_headers(&s);

    if (ok) {
        buf_printf(out, "X-Amz-Date: %s", s.stamp);
        buf_append_byte(out, '\0');
        if (c->token.n > 0) {
            buf_printf(out, "X-Amz-Security-Token: %.*s", STR_ARGS(c->token));
            buf_append_byte(out, '\0');
        }
        buf_printf(out, "Authorization: " ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=",
                   STR_ARGS(c->access_key), STR_ARGS(buf_peek(&s.scope)));
        qsort(s.headers, s.headers_n, sizeof(s.headers[0]), compare_headers);
        append_names(out, &s);
        buf_append(out, STR(", Signature="));
        append_signature(out, &s);
        buf_append_byte(out, '\0');
    }
    sigv4_end(&s);
    return ok;
}

void sigv4_lines(struct str signature, const char **list, unsigned n, unsigned max)
{
    assert(n < max);
    while (signature.n > 0 && n < max - 1) {
        list[n++] = (const char *)signature.p;
        signature = str_skip(signature, strlen((const char *)signature.p) + 1);
    }
    list[n] = NULL;
}

static bool add_own_params(struct signing *s, struct buf *values)
{
    size_t at[4];
    struct str all;

    buf_append(values, s->who->access_key);
    buf_append_byte(values, '/');
    buf_append(values, buf_peek(&s->scope));
    at[0] = buf_len(values);
    url_encode(values, (struct str){buf_peek(values).p, at[0]});
    at[1] = buf_len(values);
    buf_append_u64(values, s->r->expires_s);
    at[2] = buf_len(values);
    url_encode(values, s->who->token);
    at[3] = buf_len(values);
    all = buf_peek(values);
    return add_param(s, STR("X-Amz-Algorithm"), STR(ALGORITHM)) &&
           add_param(s, STR("X-Amz-Credential"), (struct str){all.p + at[0], at[1] - at[0]}) &&
           add_param(s, STR("X-Amz-Date"), str_of(s->stamp)) &&
           add_param(s, STR("X-Amz-Expires"), (struct str){all.p + at[1], at[2] - at[1]}) &&
           (at[3] == at[2] || add_param(s, STR("X-Amz-Security-Token"),
                                        (struct str){all.p + at[2], at[3] - at[2]})) &&
           add_param(s, STR("X-Amz-SignedHeaders"), STR("host"));
}

bool sigv4_query(struct sigv4_key *k, const struct sigv4_credentials *c,
                 const struct sigv4_request *r, struct buf *out)
{
    struct signing s;
    struct buf values CLEANUP(buf_fini);
    bool ok;

    buf_init(&values, CANONICAL_MAX);
    ok = sigv4_begin(&s, k, c, r) && add_own_params(&s, &values);
    if (ok) {
        qsort(s.params, s.params_n, sizeof(s.params[0]), compare_params);
        append_query(out, &s);
        buf_append(out, STR("&X-Amz-Signature="));
        append_signature(out, &s);
    }
    sigv4_end(&s);
    return ok;
}
