#include "bench/stamp.h"

#include "base/hex.h"

enum { US_DIGITS = 12, PUBLISHER_DIGITS = 6 };

static void write_number(uint8_t *p, unsigned digits, uint64_t v)
{
    while (digits-- > 0) {
        p[digits] = (uint8_t) "0123456789abcdef"[v & 15];
        v >>= 4;
    }
}

void stamp_write(uint8_t p[static STAMP_N], uint64_t us, uint32_t publisher)
{
    p[0] = STAMP_MARK;
    write_number(p + 1, US_DIGITS, us);
    write_number(p + 1 + US_DIGITS, PUBLISHER_DIGITS, publisher);
    p[STAMP_N - 1] = STAMP_MARK;
}

bool stamp_read(struct str s, uint64_t *ret_us, uint32_t *ret_publisher)
{
    uint64_t us, publisher;

    if (s.n < STAMP_N || s.p[0] != STAMP_MARK || s.p[STAMP_N - 1] != STAMP_MARK)
        return false;
    if (!hex_number((struct str){s.p + 1, US_DIGITS}, &us) ||
        !hex_number((struct str){s.p + 1 + US_DIGITS, PUBLISHER_DIGITS}, &publisher))
        return false;
    *ret_us = us;
    *ret_publisher = (uint32_t)publisher;
    return true;
}
