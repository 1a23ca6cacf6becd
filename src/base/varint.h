/* varint.h: unsigned numbers in 1 to 10 bytes: seven bits a byte, the lowest
 * first, the top bit set in all bytes but the last (LEB128). Only the shortest
 * form of a number is read. */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include "base/base.h"

enum { VARINT_N_MAX = 10 };

/* How many bytes v takes. */
static inline size_t varint_size(uint64_t v)
{
    return ((size_t)(63 - __builtin_clzll(v | 1)) + 7) / 7;
}

/* Writes v at p, which has room for it; returns the place behind it. */
static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

/* Takes a number off the front of *rest. False, and *rest is unchanged, if
 * there is none in its shortest form within 64 bits. */
static inline bool varint_get(struct str *rest, uint64_t *ret_v)
{
    uint64_t v = 0;

    for (size_t i = 0; i < rest->n && i < VARINT_N_MAX; i++) {
        uint8_t byte = rest->p[i];

        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (i > 0 && (byte == 0 || (i == VARINT_N_MAX - 1 && byte > 1)))
            return false;
        *rest = (struct str){rest->p + i + 1, rest->n - i - 1};
        *ret_v = v;
        return true;
    }
    return false;
}

/* Takes a number and that many bytes off the front of *rest. False if they are not there. */
static inline bool varint_take(struct str *rest, struct str *ret)
{
    uint64_t n;

    if (!varint_get(rest, &n) || n > rest->n)
        return false;
    *ret = (struct str){rest->p, (size_t)n};
    *rest = (struct str){rest->p + n, rest->n - (size_t)n};
    return true;
}

#endif
