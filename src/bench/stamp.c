#include "bench/stamp.h"

enum { US_DIGITS = 12, PUBLISHER_DIGITS = 6 };

static void hex_write(uint8_t *p, unsigned digits, uint64_t v)
{
    while (digits-- > 0) {
        p[digits] = (uint8_t) "0123456789abcdef"[v & 15];
        v >>= 4;
    }
}

static bool hex_read(const uint8_t *p, unsigned digits, uint64_t *ret_v)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < digits; i++) {
        uint8_t c = p[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *ret_v = v;
    return true;
}

void stamp_write(uint8_t p[static STAMP_N], uint64_t us, uint32_t publisher)
{
    p[0] = STAMP_MARK;
    hex_write(p + 1, US_DIGITS, us);
    hex_write(p + 1 + US_DIGITS, PUBLISHER_DIGITS, publisher);
    p[STAMP_N - 1] = STAMP_MARK;
}

bool stamp_read(struct str s, uint64_t *ret_us, uint32_t *ret_publisher)
{
    uint64_t us, publisher;

    if (s.n < STAMP_N || s.p[0] != STAMP_MARK || s.p[STAMP_N - 1] != STAMP_MARK)
        return false;
    if (!hex_read(s.p + 1, US_DIGITS, &us) ||
        !hex_read(s.p + 1 + US_DIGITS, PUBLISHER_DIGITS, &publisher))
        return false;
    *ret_us = us;
    *ret_publisher = (uint32_t)publisher;
    return true;
}
