#include "base/str.h"

#include "base/mem.h"

#include <stdlib.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* The capitals of ASCII among eight bytes become small letters. */
static uint64_t lower8(const uint8_t *p)
{
    const uint64_t ones = ~UINT64_C(0) / 255;
    uint64_t x, low, upper;

    memcpy(&x, p, sizeof(x));
    low = x & ones * 0x7f;
    upper = (low + ones * (0x80 - 'A')) & ~(low + ones * (0x7f - 'Z')) & ~x & ones * 0x80;
    return x | (upper >> 2);
}

bool str_same_nocase(struct str a, struct str b)
{
    size_t i = 0;

    assert(a.n == b.n);
    for (; a.n - i >= 8; i += 8)
        if (lower8(a.p + i) != lower8(b.p + i))
            return false;
    for (; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_cut(struct str *rest, uint8_t c)
{
    struct str all = *rest;
    const uint8_t *at = all.n > 0 ? memchr(all.p, c, all.n) : NULL;

    if (at == NULL) {
        *rest = str_skip(all, all.n);
        return all;
    }
    *rest = str_skip(all, (size_t)(at - all.p) + 1);
    return (struct str){all.p, (size_t)(at - all.p)};
}

/* Is one of the eight bytes less than n (n <= 128)? Those of 128 and more are not. */
static bool has_less(uint64_t bytes, uint8_t n)
{
    const uint64_t ones = ~UINT64_C(0) / 255;

    return ((bytes - ones * n) & ~bytes & ones * 128) != 0;
}

size_t str_printable(struct str s)
{
    const uint64_t ones = ~UINT64_C(0) / 255;
    uint64_t bytes;
    size_t i = 0;

    for (; s.n - i >= sizeof(bytes); i += sizeof(bytes)) {
        memcpy(&bytes, s.p + i, sizeof(bytes));
        if ((bytes & ones * 128) != 0 || has_less(bytes, ' ') || has_less(bytes ^ ones * 0x7f, 1))
            break;
    }
    return i;
}

bool str_to_u64(struct str s, uint64_t *ret_v)
{
    uint64_t v = 0;

    if (s.n == 0 || s.n > 20)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *ret_v = v;
    return true;
}

size_t str_from_u64(uint64_t v, char to[static 20])
{
    size_t n = 1;

    for (uint64_t rest = v; rest >= 10; rest /= 10)
        n++;
    for (size_t at = n; at-- > 0; v /= 10)
        to[at] = (char)('0' + v % 10);
    return n;
}

const char *str_grouped(uint64_t v, char text[static STR_GROUPED_N])
{
    char *p = text + STR_GROUPED_N - 1;

    *p = '\0';
    for (unsigned digits = 0; digits == 0 || v > 0; digits++, v /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + v % 10);
    }
    return p;
}

char *str_dup(struct str s)
{
    char *z = mem_bytes(s.n + 1);

    if (s.n > 0)
        memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    return z;
}

bool str_eq_secret(struct str a, struct str b)
{
    uint8_t differs = a.n != b.n;

    for (size_t i = 0; i < a.n && i < b.n; i++)
        differs |= (uint8_t)(a.p[i] ^ b.p[i]);
    return differs == 0;
}
