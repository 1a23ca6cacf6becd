#include "wire/sigv4_verify.h"

#include "base/str.h"
#include "base/utc.h"

enum { SIGNED_MAX = 64 * 1024 };

/* The parts of Authorization. */
struct claim {
    struct str access_key, day, region, service, names, signature;
};

/* "Name=value" of a list that commas separate. */
static bool take_part(struct str *rest, struct str name, struct str *ret)
{
    struct str part = str_trim(str_cut(rest, ','));

    if (!str_starts(part, name))
        return false;
    *ret = str_skip(part, name.n);
    return ret->n > 0;
}

static bool read_claim(struct str text, struct claim *ret)
{
    struct str scheme = str_cut(&text, ' '), scope, terminator;

    if (!str_eq(scheme, STR("AWS4-HMAC-SHA256")) || !take_part(&text, STR("Credential="), &scope) ||
        !take_part(&text, STR("SignedHeaders="), &ret->names) ||
        !take_part(&text, STR("Signature="), &ret->signature))
        return false;
    ret->access_key = str_cut(&scope, '/');
    ret->day = str_cut(&scope, '/');
    ret->region = str_cut(&scope, '/');
    ret->service = str_cut(&scope, '/');
    terminator = scope;
    return ret->access_key.n > 0 && str_eq(terminator, STR("aws4_request"));
}

/* "20150830T123600Z". */
static bool read_time(struct str s, uint64_t *ret_s)
{
    char text[] = "0000-00-00T00:00:00Z";
    static const uint8_t at[] = {0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 14, 15, 17, 18, 19};
    int64_t seconds;

    if (s.n != UTC_BASIC_LEN)
        return false;
    for (size_t i = 0; i < COUNTOF(at); i++)
        text[at[i]] = (char)s.p[i];
    if (!utc_parse(str_of(text), &seconds))
        return false;
    *ret_s = (uint64_t)seconds;
    return true;
}

/* The headers that are signed besides those that the signer adds, as "name: value". False if
 * one is not there, or Host or X-Amz-Date is not among them. */
static bool gather(const struct http1_request *r, struct str names, struct buf *text,
                   struct str *ret, unsigned *ret_n)
{
    size_t starts[SIGV4_HEADERS_MAX + 1];
    bool host = false, date = false;
    unsigned n = 0;
    struct str value;

    while (names.n > 0) {
        struct str name = str_cut(&names, ';');

        if (str_eq(name, STR("host"))) {
            host = true;
            continue;
        }
        if (str_eq(name, STR("x-amz-date"))) {
            date = true;
            continue;
        }
        if (n == SIGV4_HEADERS_MAX || !http1_get(&r->headers, name, &value))
            return false;
        starts[n++] = buf_len(text);
        buf_append(text, name);
        buf_append(text, STR(": "));
        buf_append(text, value);
    }
    if (text->failed)
        return false;
    starts[n] = buf_len(text);
    for (unsigned i = 0; i < n; i++)
        ret[i] = (struct str){buf_peek(text).p + starts[i], starts[i + 1] - starts[i]};
    *ret_n = n;
    return host && date;
}

static enum sigv4_verdict compare(struct sigv4_key *key, const struct sigv4_credentials *who,
                                  const struct sigv4_request *signing, struct str signature)
{
    struct buf out CLEANUP(buf_fini);
    struct str made;

    buf_init(&out, SIGNED_MAX);
    if (!sigv4_headers(key, who, signing, &out) || out.failed ||
        buf_len(&out) < 2 * SIGV4_HASH_N + 1)
        return SIGV4_BROKEN;
    made = str_skip(buf_peek(&out), buf_len(&out) - 2 * SIGV4_HASH_N - 1);
    made.n--; /* a NUL ends it */
    return str_eq_secret(made, signature) ? SIGV4_GOOD : SIGV4_WRONG;
}

enum sigv4_verdict sigv4_verify(const struct sigv4_verifier *v, const struct http1_request *r,
                                struct str body, struct str *ret_access_key)
{
    struct str headers[SIGV4_HEADERS_MAX], text, date, secret;
    struct buf kept CLEANUP(buf_fini);
    struct sigv4_key *key = NULL;
    struct claim claim;
    unsigned headers_n = 0;
    uint64_t signed_s;

    buf_init(&kept, SIGNED_MAX);
    if (!http1_get(&r->headers, STR("Authorization"), &text))
        return SIGV4_NONE;
    if (!read_claim(text, &claim) || !http1_get(&r->headers, STR("X-Amz-Date"), &date) ||
        !read_time(date, &signed_s) || !gather(r, claim.names, &kept, headers, &headers_n))
        return SIGV4_BROKEN;
    secret = v->secret(v->ctx, claim.access_key, &key);
    if (secret.p == NULL)
        return SIGV4_UNKNOWN;
    if (!str_eq(claim.region, v->region) || !str_eq(claim.service, v->service) ||
        !str_starts(date, claim.day) || claim.day.n != 8)
        return SIGV4_SCOPE;
    if (signed_s + v->window_s < v->now_s || v->now_s + v->window_s < signed_s)
        return SIGV4_LATE;
    *ret_access_key = claim.access_key;
    return compare(
        key, &(struct sigv4_credentials){.access_key = claim.access_key, .secret_key = secret},
        &(struct sigv4_request){.method = r->method,
                                .host = r->host,
                                .path = r->path,
                                .query = r->query,
                                .headers = headers,
                                .headers_n = headers_n,
                                .body = body,
                                .region = v->region,
                                .service = v->service,
                                .now_s = signed_s},
        claim.signature);
}
