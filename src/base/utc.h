/* utc.h: dates of the Gregorian calendar in UTC, for seconds since 1970. */
#ifndef BASE_UTC_H
#define BASE_UTC_H

#include "base/base.h"

#define UTC_YEAR_9999_END_S 253402300799
enum { UTC_BASIC_LEN = 16 };

struct utc {
    int64_t year, month, day; /* 1 to 12, 1 to 31 */
    int64_t hour, minute, second;
};

/* unix_s from 0 to the end of the year 9999. */
struct utc utc_of(int64_t unix_s);

/* Whether there is such a moment, from 1970 to 9999; a second 60 counts as one. */
bool utc_exists(const struct utc *u);

/* The inverse of utc_of, for what exists. */
int64_t utc_seconds(const struct utc *u);

/* Writes v in n decimal digits, without a NUL; returns the place behind them. */
char *utc_digits(char *to, int64_t v, size_t n);

/* Writes "20150830T123600Z", without a NUL. */
void utc_basic(int64_t unix_s, char out[static UTC_BASIC_LEN]);

/* Reads "2015-08-30T12:36:00Z" (RFC 3339, UTC only), perhaps with a fraction of a
 * second, which is dropped. */
bool utc_parse(struct str s, int64_t *ret_unix_s) MUST_CHECK;

#endif
