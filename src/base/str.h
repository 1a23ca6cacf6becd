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

/* Below 0, 0 or above 0: as a comes before, is, or comes after b, by their bytes; what begins
 * another comes before it. */
static inline int str_order(struct str a, struct str b)
{
    size_t n = MIN(a.n, b.n);
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* The same of strings of one length. */
bool str_same_nocase(struct str a, struct str b);

/* ASCII letters compare without regard to case. Most that are compared differ in their
 * first byte or their length. */
static inline bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || (((a.p[0] ^ b.p[0]) & ~0x20) == 0 && str_same_nocase(a, b)));
}

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

/* So many bytes at the start, a multiple of eight, are ASCII without control characters:
 * a quick look, behind which the caller looks at each. */
size_t str_printable(struct str s) MUST_CHECK;

/* A decimal number of 1 to 20 digits, nothing else. False if it is not one
 * or exceeds 64 bits. */
bool str_to_u64(struct str s, uint64_t *ret_v) MUST_CHECK;

/* Writes v in decimal, 1 to 20 digits, without a NUL; returns how many. */
size_t str_from_u64(uint64_t v, char to[static 20]);

/* Writes 1234567 as 1,234,567 into text; returns where that begins. */
enum { STR_GROUPED_N = 32 };
const char *str_grouped(uint64_t v, char text[static STR_GROUPED_N]);

/* A NUL-terminated copy; the caller frees it. Aborts when memory is out: for
 * strings whose size no peer chooses. */
char *str_dup(struct str s) MUST_CHECK;

/* Compares in a time that depends on the lengths only: for secrets. */
bool str_eq_secret(struct str a, struct str b);

#endif
