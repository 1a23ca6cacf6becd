/* str.h: what is done with borrowed strings. Nothing here allocates, except
 * str_dup, which says so. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

#include <string.h>

static inline struct str str_of(const char *z)
{
    return (struct str){(const uint8_t *)z, strlen(z)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters compare without regard to case. */
bool str_eq_nocase(struct str a, struct str b);

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* What follows the first n bytes. n must not exceed s.n. */
static inline struct str str_skip(struct str s, size_t n)
{
    return n > 0 ? (struct str){s.p + n, s.n - n} : s;
}

/* s without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* Cuts *rest at the first c: returns what is before it and leaves what is
 * behind it in *rest; without a c, returns all and leaves *rest empty. */
struct str str_cut(struct str *rest, uint8_t c);

/* A decimal number of 1 to 20 digits, nothing else. False if it is not one
 * or exceeds 64 bits. */
bool str_to_u64(struct str s, uint64_t *ret_v) MUST_CHECK;

/* A NUL-terminated copy; the caller frees it. Aborts when memory is out: for
 * strings whose size no peer chooses. */
char *str_dup(struct str s) MUST_CHECK;

/* Compares in a time that depends on the lengths only: for secrets. */
bool str_eq_secret(struct str a, struct str b);

#endif
