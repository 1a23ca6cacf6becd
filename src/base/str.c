#include "base/str.h"

#include <stdlib.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
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

char *str_dup(struct str s)
{
    char *z = malloc(s.n + 1);

    if (z == NULL)
        abort();
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
