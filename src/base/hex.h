/* hex.h: hexadecimal digits. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/base.h"

/* The value of a digit of either case, or -1. */
static inline int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes n bytes as 2 n lower digits at `to`, without a NUL; returns the place behind them. */
static inline char *hex_write(char *to, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        *to++ = "0123456789abcdef"[p[i] >> 4];
        *to++ = "0123456789abcdef"[p[i] & 15];
    }
    return to;
}

/* Reads a number of lower digits, which 64 bits hold. False if another byte is there. */
static inline bool hex_number(struct str s, uint64_t *ret_v)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (hex_digit(s.p[i]) < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
        v = v << 4 | (uint64_t)hex_digit(s.p[i]);
    }
    *ret_v = v;
    return true;
}

#endif
