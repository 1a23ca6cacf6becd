#include "base/json.h"

#include "base/hex.h"
#include "base/utf8.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EACH_BYTE(b) ((uint64_t)(b)*UINT64_C(0x0101010101010101))

enum { DIGITS_MAX = 20, DOUBLE_N = 32, INT_DIGITS_MAX = 16 };

/* In each byte of x, the top bit if it is a quote, a backslash or below 0x20.
 * Exact up to and with the first such byte, which is the one in use. */
static uint64_t specials(uint64_t x)
{
    uint64_t quote = x ^ EACH_BYTE('"'), backslash = x ^ EACH_BYTE('\\');

    return (((quote - EACH_BYTE(1)) & ~quote) | ((backslash - EACH_BYTE(1)) & ~backslash) |
            ((x - EACH_BYTE(0x20)) & ~x)) &
           EACH_BYTE(0x80);
}

/* The first quote, backslash or control character in p..end, or end. Adds to
 * *bits those of all bytes before it, and maybe of some behind it. */
static const uint8_t *scan(const uint8_t *p, const uint8_t *end, uint64_t *bits)
{
    for (; end - p >= 8; p += 8) {
        uint64_t x, found;

        memcpy(&x, p, sizeof(x));
        x = le64toh(x);
        *bits |= x;
        found = specials(x);
        if (found != 0)
            return p + __builtin_ctzll(found) / 8;
    }
    for (; p < end && *p >= 0x20 && *p != '"' && *p != '\\'; p++)
        *bits |= *p;
    return p;
}

static enum json_token json_fail(struct json *j, enum json_error error)
{
    j->error = error;
    return JSON_ERROR;
}

static void skip_space(struct json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\t' || *j->p == '\r'))
        j->p++;
}

/* Steps over c, if it is next. */
static bool json_take(struct json *j, uint8_t c)
{
    if (j->p == j->end || *j->p != c)
        return false;
    j->p++;
    return true;
}

/* Four hexadecimal digits at p, or -1. */
static int32_t hex4(const uint8_t *p, const uint8_t *end)
{
    int32_t v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

static uint8_t *put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (uint8_t)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (uint8_t)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (uint8_t)(0xe0 | c >> 12);
        } else {
            *out++ = (uint8_t)(0xf0 | c >> 18);
            *out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (uint8_t)(0x80 | (c & 0x3f));
    return out;
}

/* RFC 8259 §7: what follows "\u" at j->p, one escape or a surrogate pair. */
static uint8_t *unescape_unicode(struct json *j, uint8_t *out)
{
    int32_t high = hex4(j->p, j->end), low;

    if (high < 0) {
        j->error = JSON_BAD_SYNTAX;
        return NULL;
    }
    j->p += 4;
    if (high < 0xd800 || high > 0xdfff)
        return put_utf8(out, (uint32_t)high);
    low = high < 0xdc00 && json_take(j, '\\') && json_take(j, 'u') ? hex4(j->p, j->end) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        j->error = JSON_BAD_UTF8;
        return NULL;
    }
    j->p += 4;
    return put_utf8(out, 0x10000 + ((uint32_t)(high & 0x3ff) << 10) + (uint32_t)(low & 0x3ff));
}

/* RFC 8259 §7: the escape at j->p, behind its backslash, is written to out.
 * Returns the place behind it, or NULL with j->error set. */
static uint8_t *unescape(struct json *j, uint8_t *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;

    if (json_take(j, 'u'))
        return unescape_unicode(j, out);
    at = j->p < j->end ? memchr(from, *j->p, sizeof(from) - 1) : NULL;
    if (at == NULL) {
        j->error = JSON_BAD_SYNTAX;
        return NULL;
    }
    j->p++;
    *out++ = (uint8_t)to[at - from];
    return out;
}

/* The string whose opening quote was just read. What is unescaped is never
 * longer than its escapes, so out stays at or before j->p. */
static bool read_string(struct json *j, struct str *ret)
{
    uint8_t *start = j->p, *out = start;
    uint64_t bits = 0;

    for (;;) {
        uint8_t *from = j->p;
        size_t n = (size_t)(scan(from, j->end, &bits) - from);

        if (out != from)
            memmove(out, from, n);
        out += n;
        j->p += n;
        if (json_take(j, '"'))
            break;
        if (!json_take(j, '\\')) {
            j->error = JSON_BAD_SYNTAX;
            return false;
        }
        out = unescape(j, out);
        if (out == NULL)
            return false;
    }
    /* Escapes become whole characters: cut out of a bad text, they leave a bad one. */
    *ret = (struct str){start, (size_t)(out - start)};
    if ((bits & EACH_BYTE(0x80)) != 0 && !utf8_valid(*ret)) {
        j->error = JSON_BAD_UTF8;
        return false;
    }
    return true;
}

static size_t take_digits(struct json *j)
{
    uint8_t *from = j->p;

    while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
        j->p++;
    return (size_t)(j->p - from);
}

/* RFC 8259 §6: the optional fraction and exponent. False if one is begun but
 * not finished; *ret_whole: neither was there. */
static bool take_fraction(struct json *j, bool *ret_whole)
{
    uint8_t *from = j->p;

    if (json_take(j, '.') && take_digits(j) == 0)
        return false;
    if (json_take(j, 'e') || json_take(j, 'E')) {
        if (!json_take(j, '-'))
            (void)json_take(j, '+');
        if (take_digits(j) == 0)
            return false;
    }
    *ret_whole = j->p == from;
    return true;
}

/* RFC 8259 §6. */
static enum json_token read_number(struct json *j)
{
    const uint8_t *start = j->p, *digits;
    bool negative = json_take(j, '-'), whole;
    size_t digits_n;
    int64_t v = 0;

    digits = j->p;
    digits_n = take_digits(j);
    if (digits_n == 0 || (digits_n > 1 && *digits == '0') || !take_fraction(j, &whole) ||
        j->p - start > JSON_NUMBER_N)
        return json_fail(j, JSON_BAD_NUMBER);
    j->str = (struct str){start, (size_t)(j->p - start)};
    if (!whole || digits_n > INT_DIGITS_MAX)
        return JSON_NUMBER;
    for (size_t i = 0; i < digits_n; i++)
        v = v * 10 + (digits[i] - '0');
    if (v > JSON_INT_MAX)
        return JSON_NUMBER;
    j->i64 = negative ? -v : v;
    return JSON_INT;
}

static enum json_token read_literal(struct json *j, struct str word, enum json_token t)
{
    if ((size_t)(j->end - j->p) < word.n || memcmp(j->p, word.p, word.n) != 0)
        return json_fail(j, JSON_BAD_SYNTAX);
    j->p += word.n;
    return t;
}

static enum json_token open_level(struct json *j, enum json_token t)
{
    uint32_t bit;

    if (j->depth == j->depth_max)
        return json_fail(j, JSON_TOO_DEEP);
    bit = UINT32_C(1) << j->depth;
    j->p++;
    j->objects = t == JSON_OBJECT ? j->objects | bit : j->objects & ~bit;
    j->depth++;
    j->first = true;
    return t;
}

static enum json_token read_value(struct json *j)
{
    enum json_token t;

    if (j->p == j->end)
        return json_fail(j, JSON_BAD_SYNTAX);
    if (j->values == 0)
        return json_fail(j, JSON_TOO_MANY);
    j->values--;
    switch (*j->p) {
    case '{':
        return open_level(j, JSON_OBJECT);
    case '[':
        return open_level(j, JSON_ARRAY);
    case '"':
        j->p++;
        t = read_string(j, &j->str) ? JSON_STRING : JSON_ERROR;
        break;
    case 't':
        t = read_literal(j, STR("true"), JSON_TRUE);
        break;
    case 'f':
        t = read_literal(j, STR("false"), JSON_FALSE);
        break;
    case 'n':
        t = read_literal(j, STR("null"), JSON_NULL);
        break;
    default:
        if (*j->p != '-' && (*j->p < '0' || *j->p > '9'))
            return json_fail(j, JSON_BAD_SYNTAX);
        t = read_number(j);
    }
    j->done = j->depth == 0;
    return t;
}

static bool read_key(struct json *j)
{
    if (!json_take(j, '"')) {
        j->error = JSON_BAD_SYNTAX;
        return false;
    }
    if (!read_string(j, &j->key))
        return false;
    skip_space(j);
    if (!json_take(j, ':')) {
        j->error = JSON_BAD_SYNTAX;
        return false;
    }
    skip_space(j);
    return true;
}

void json_init(struct json *j, uint8_t *p, size_t n, unsigned depth_max)
{
    assert(depth_max <= JSON_DEPTH_MAX);
    *j = (struct json){.p = p,
                       .end = p != NULL ? p + n : NULL,
                       .values = UINT32_MAX,
                       .depth_max = (uint8_t)depth_max};
}

enum json_token json_next(struct json *j)
{
    bool in_object;

    if (j->error != JSON_OK)
        return JSON_ERROR;
    skip_space(j);
    if (j->done)
        return j->p == j->end ? JSON_END : json_fail(j, JSON_BAD_SYNTAX);
    if (j->depth == 0)
        return read_value(j);

    in_object = (j->objects >> (j->depth - 1) & 1) != 0;
    if (json_take(j, in_object ? '}' : ']')) {
        j->first = false;
        j->done = --j->depth == 0;
        return in_object ? JSON_OBJECT_END : JSON_ARRAY_END;
    }
    if (!j->first) {
        if (!json_take(j, ','))
            return json_fail(j, JSON_BAD_SYNTAX);
        skip_space(j);
    }
    j->first = false;
    if (in_object && !read_key(j))
        return JSON_ERROR;
    return read_value(j);
}

bool json_skip(struct json *j, enum json_token t)
{
    unsigned depth = j->depth;

    assert(t != JSON_END && t != JSON_OBJECT_END && t != JSON_ARRAY_END);
    if (t != JSON_OBJECT && t != JSON_ARRAY)
        return t != JSON_ERROR;
    while (j->depth >= depth)
        if (json_next(j) == JSON_ERROR)
            return false;
    return true;
}

/* Appends, as one, a comma if one is due, before and after. */
static void json_put(struct json_out *o, struct str s, bool comma_after)
{
    uint8_t *to = buf_reserve(o->buf, s.n + 1);
    size_t n = 0;

    if (to == NULL)
        return;
    if (o->comma)
        to[n++] = ',';
    memcpy(to + n, s.p, s.n);
    buf_commit(o->buf, n + s.n);
    o->comma = comma_after;
}

static void put_escape(struct buf *b, uint8_t c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = memchr(from, c, sizeof(from) - 1);

    if (at != NULL)
        buf_append(b, (struct str){(const uint8_t[]){'\\', (uint8_t)to[at - from]}, 2});
    else
        buf_printf(b, "\\u%04x", c);
}

/* s in quotes, then what follows it. */
static void put_string(struct json_out *o, struct str s, struct str after)
{
    const uint8_t *p = s.n > 0 ? s.p : after.p, *end = p + s.n, *special;
    uint64_t bits = 0;
    uint8_t *to;
    size_t n = 0;

    to = buf_reserve(o->buf, s.n + after.n + 3);
    if (to == NULL)
        return;
    if (o->comma)
        to[n++] = ',';
    to[n++] = '"';
    special = scan(p, end, &bits);
    if (special > p)
        memcpy(to + n, p, (size_t)(special - p));
    buf_commit(o->buf, n + (size_t)(special - p));
    while (special < end) {
        put_escape(o->buf, *special);
        p = special + 1;
        special = scan(p, end, &bits);
        buf_append(o->buf, (struct str){p, (size_t)(special - p)});
    }
    buf_append(o->buf, after);
}

void json_out_object(struct json_out *o)
{
    json_put(o, STR("{"), false);
}

void json_out_object_end(struct json_out *o)
{
    o->comma = false;
    json_put(o, STR("}"), true);
}

void json_out_array(struct json_out *o)
{
    json_put(o, STR("["), false);
}

void json_out_array_end(struct json_out *o)
{
    o->comma = false;
    json_put(o, STR("]"), true);
}

void json_out_name(struct json_out *o, struct str key)
{
    uint8_t *to = buf_reserve(o->buf, key.n + 4);
    size_t n = 0;

    if (to == NULL)
        return;
    if (o->comma)
        to[n++] = ',';
    to[n++] = '"';
    memcpy(to + n, key.p, key.n);
    n += key.n;
    to[n++] = '"';
    to[n++] = ':';
    buf_commit(o->buf, n);
    o->comma = false;
}

void json_out_key_str(struct json_out *o, struct str key)
{
    put_string(o, key, STR("\":"));
    o->comma = false;
}

void json_out_str(struct json_out *o, struct str s)
{
    put_string(o, s, STR("\""));
    o->comma = true;
}

/* 00 to 99. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static void put_decimal(struct json_out *o, uint64_t v, bool negative)
{
    uint8_t digits[DIGITS_MAX + 1];
    size_t at = sizeof(digits);

    for (; v >= 100; v /= 100) {
        at -= 2;
        memcpy(digits + at, pairs + v % 100 * 2, 2);
    }
    if (v >= 10)
        digits[--at] = (uint8_t)('0' + v % 10);
    digits[--at] = (uint8_t)('0' + (v >= 10 ? v / 10 : v));
    if (negative)
        digits[--at] = '-';
    json_put(o, (struct str){digits + at, sizeof(digits) - at}, true);
}

void json_out_u64(struct json_out *o, uint64_t v)
{
    put_decimal(o, v, false);
}

void json_out_i64(struct json_out *o, int64_t v)
{
    put_decimal(o, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
}

void json_out_bool(struct json_out *o, bool v)
{
    json_put(o, v ? STR("true") : STR("false"), true);
}

void json_out_null(struct json_out *o)
{
    json_put(o, STR("null"), true);
}

void json_out_raw(struct json_out *o, struct str value)
{
    json_put(o, value, true);
}

void json_out_double(struct json_out *o, double v)
{
    char text[DOUBLE_N];
    int n;

    if (!isfinite(v)) {
        json_out_null(o);
        return;
    }
    n = snprintf(text, sizeof(text), "%.15g", v);
    if (strtod(text, NULL) != v)
        n = snprintf(text, sizeof(text), "%.17g", v);
    assert(n > 0 && (size_t)n < sizeof(text));
    json_put(o, (struct str){(const uint8_t *)text, (size_t)n}, true);
}
