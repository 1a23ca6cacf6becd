#include "base/base64.h"

static const char digits[2][65] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/* The value of a digit, or -1. */
static int value_of(enum base64_alphabet alphabet, uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (uint8_t)digits[alphabet][62])
        return 62;
    if (c == (uint8_t)digits[alphabet][63])
        return 63;
    return -1;
}

size_t base64_encode(enum base64_alphabet alphabet, struct str s, char *out)
{
    const char *d = digits[alphabet];
    size_t n = 0, i = 0;
    uint32_t v;

    for (; s.n - i >= 3; i += 3) {
        v = (uint32_t)s.p[i] << 16 | (uint32_t)s.p[i + 1] << 8 | s.p[i + 2];
        out[n++] = d[v >> 18];
        out[n++] = d[v >> 12 & 63];
        out[n++] = d[v >> 6 & 63];
        out[n++] = d[v & 63];
    }
    if (i == s.n)
        return n;
    v = (uint32_t)s.p[i] << 16 | (s.n - i == 2 ? (uint32_t)s.p[i + 1] << 8 : 0);
    out[n++] = d[v >> 18];
    out[n++] = d[v >> 12 & 63];
    if (s.n - i == 2)
        out[n++] = d[v >> 6 & 63];
    while (alphabet == BASE64_STANDARD && n % 4 != 0)
        out[n++] = '=';
    return n;
}

void base64_append(struct buf *b, enum base64_alphabet alphabet, struct str s)
{
    uint8_t *to = s.n > 0 ? buf_reserve(b, BASE64_ENCODED_MAX(s.n)) : NULL;

    if (to != NULL)
        buf_commit(b, base64_encode(alphabet, s, (char *)to));
}

bool base64_decode(enum base64_alphabet alphabet, struct str s, uint8_t *out, size_t *ret_n)
{
    uint32_t v = 0;
    size_t n = 0;

    if (alphabet == BASE64_STANDARD) {
        if (s.n % 4 != 0)
            return false;
        for (int pad = 0; pad < 2 && s.n > 0 && s.p[s.n - 1] == '='; pad++)
            s.n--;
    }
    if (s.n % 4 == 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int digit = value_of(alphabet, s.p[i]);

        if (digit < 0)
            return false;
        v = v << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            out[n++] = (uint8_t)(v >> (6 - i % 4 * 2));
    }
    /* The bits behind the last whole byte. */
    if ((s.n % 4 == 2 && (v & 15) != 0) || (s.n % 4 == 3 && (v & 3) != 0))
        return false;
    *ret_n = n;
    return true;
}
