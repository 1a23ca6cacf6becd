/* json.h: JSON (RFC 8259) without a tree: a pull reader over one complete,
 * mutable frame, and a writer into a struct buf. Neither allocates (the buf
 * does). The reader is strict: the whole grammar, valid UTF-8, bounded depth.
 *
 *     json_init(&j, p, n, 8);
 *     if (json_next(&j) != JSON_OBJECT)
 *         return BAD;
 *     while ((t = json_next(&j)) != JSON_OBJECT_END) {
 *         if (str_eq(j.key, STR("text")) && t == JSON_STRING)
 *             text = j.str;
 *         else if (!json_skip(&j, t))
 *             return BAD;                           (JSON_ERROR ends here too)
 *     }
 *     if (json_next(&j) != JSON_END)
 *         return BAD;
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/base.h"
#include "base/buf.h"

#include <string.h>

enum { JSON_DEPTH_MAX = 32 };

/* The integers that every JSON implementation holds exactly (RFC 8259 §6). */
#define JSON_INT_MAX ((int64_t)9007199254740991)

enum json_token {
    JSON_END,   /* after the top value: only white space was left */
    JSON_ERROR, /* j->error says why; comes again on every further call */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_STRING, /* j->str */
    JSON_INT,    /* j->i64, within ±JSON_INT_MAX, written without fraction or exponent; j->str */
    JSON_NUMBER, /* any other number: j->str, as it was written */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

enum json_error {
    JSON_OK,
    JSON_BAD_SYNTAX,
    JSON_BAD_UTF8, /* also a lone surrogate, written \ud800 */
    JSON_TOO_DEEP,
    JSON_BAD_NUMBER, /* 01, 1., -, … or more than JSON_NUMBER_N characters */
    JSON_TOO_MANY,   /* more values than json_limit allows */
};

enum { JSON_NUMBER_N = 64 };

struct json {
    uint8_t *p, *end;
    struct str key; /* of the value just read, if it is a member of an object */
    struct str str;
    int64_t i64;
    uint32_t values;  /* that may still be read */
    uint32_t objects; /* bit d: what is open at depth d is an object */
    uint8_t depth, depth_max;
    bool first; /* nothing was read yet of what was opened last */
    bool done;  /* the top value is complete */
    enum json_error error;
};

/* Reads p[0..n-1], whose strings are unescaped in place; key and str borrow
 * from it. depth_max: how many objects and arrays may be open at once, at
 * most JSON_DEPTH_MAX. */
void json_init(struct json *j, uint8_t *p, size_t n, unsigned depth_max);

/* At most that many values may follow, those within others included; with more, reading
 * fails with JSON_TOO_MANY, so that its cost has a bound. 0: any number. */
static inline void json_limit(struct json *j, uint32_t values_max)
{
    j->values = values_max > 0 ? values_max : UINT32_MAX;
}

/* The next token. Within an object each call reads `"key": value`, sets
 * j->key and returns the value's token. That a key occurs twice is the
 * caller's matter. \u0000 is accepted, as the byte 0. */
enum json_token json_next(struct json *j) MUST_CHECK;

/* Skips what is left of the value that the token t, just returned, began; t is
 * a value's token or JSON_ERROR. False, and j->error is set, if that is
 * malformed. j->key and j->str are undefined afterwards. */
bool json_skip(struct json *j, enum json_token t) MUST_CHECK;

/* The writer puts commas and colons; that the calls nest rightly is the
 * caller's duty. Failure is sticky in the buf and looked at once, at the end.
 * Text must be valid UTF-8. */
struct json_out {
    struct buf *buf;
    bool comma;
};

static inline void json_out_init(struct json_out *o, struct buf *buf)
{
    o->buf = buf;
    o->comma = false;
}

void json_out_object(struct json_out *o);
void json_out_object_end(struct json_out *o);
void json_out_array(struct json_out *o);
void json_out_array_end(struct json_out *o);

/* A member's key, whose value is written next. json_out_name takes it as it
 * is, for keys known to need no escape; json_out_key_str escapes. */
void json_out_name(struct json_out *o, struct str key);
void json_out_key_str(struct json_out *o, struct str key);
static inline void json_out_key(struct json_out *o, const char *key)
{
    json_out_name(o, (struct str){(const uint8_t *)key, strlen(key)});
}

/* Values: an array's element, or what belongs to the key before. */
void json_out_str(struct json_out *o, struct str s);
void json_out_u64(struct json_out *o, uint64_t v);
void json_out_i64(struct json_out *o, int64_t v);
void json_out_bool(struct json_out *o, bool v);
void json_out_null(struct json_out *o);
/* One value that is JSON already. */
void json_out_raw(struct json_out *o, struct str value);
/* The shortest of 15 or 17 digits that reads back the same; null if v is not finite. */
void json_out_double(struct json_out *o, double v);

static inline void json_out_field_str(struct json_out *o, const char *key, struct str s)
{
    json_out_key(o, key);
    json_out_str(o, s);
}

static inline void json_out_field_u64(struct json_out *o, const char *key, uint64_t v)
{
    json_out_key(o, key);
    json_out_u64(o, v);
}

static inline void json_out_field_bool(struct json_out *o, const char *key, bool v)
{
    json_out_key(o, key);
    json_out_bool(o, v);
}

#endif
