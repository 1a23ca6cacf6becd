#include "base/base64.h"

static const char digits[2][65] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/* The values of digits, each plus one; 0: of none. */
#define VALUES(c62, c63)                                                                        \
    {                                                                                           \
        ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, \
        ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15,      \
        ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,     \
        ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29,     \
        ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,     \
        ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,     \
        ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,     \
        ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,     \
        ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, [c62] = 63, [c63] = 64,     \
    }

static const uint8_t values[2][256] = {
    [BASE64_STANDARD] = VALUES('+', '/'),
    [BASE64_URL] = VALUES('-', '_'),
};

/* The value of a digit; more than 63 if it is none. */
static uint32_t value_of(enum base64_alphabet alphabet, uint8_t c)
{
    return values[alphabet][c] - UINT32_C(1);
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
    uint32_t v = 0, digit;
    size_t n = 0, i = 0;

    if (alphabet == BASE64_STANDARD) {
        if (s.n % 4 != 0)
            return false;
        for (int pad = 0; pad < 2 && s.n > 0 && s.p[s.n - 1] == '='; pad++)
            s.n--;
    }
    if (s.n % 4 == 1)
        return false;
    for (; s.n - i >= 4; i += 4) {
        uint32_t a = value_of(alphabet, s.p[i]), b = value_of(alphabet, s.p[i + 1]);
        uint32_t c = value_of(alphabet, s.p[i + 2]), d = value_of(alphabet, s.p[i + 3]);

        if ((a | b | c | d) > 63)
            return false;
        v = a << 18 | b << 12 | c << 6 | d;
        out[n++] = (uint8_t)(v >> 16);
        out[n++] = (uint8_t)(v >> 8);
        out[n++] = (uint8_t)v;
    }
    for (; i < s.n; i++) {
        digit = value_of(alphabet, s.p[i]);
        if (digit > 63)
            return false;
        v = v << 6 | digit;
        if (i % 4 != 0)
            out[n++] = (uint8_t)(v >> (6 - i % 4 * 2));
    }
    /* The bits behind the last whole byte. */
    if ((s.n % 4 == 2 && (v & 15) != 0) || (s.n % 4 == 3 && (v & 3) != 0))
        return false;
    *ret_n = n;
    return true;
}
