#include "base/utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u
#define LOW_BITS 0x0101010101010101u

/* A state between bytes: how many continuation bytes are still due, and the
 * least and greatest value of the next one. Zero when none is due. */
static uint32_t state_of(uint32_t due, uint32_t least, uint32_t greatest)
{
    return due == 0 ? 0 : due | least << 8 | greatest << 16;
}

/* The state after a lead byte, or 0 if c leads nothing (RFC 3629 4). */
static uint32_t lead(uint8_t c)
{
    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return state_of(1, 0x80, 0xbf);
    if (c < 0xf0)
        return state_of(2, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf);
    return state_of(3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf);
}

/* How many bytes at p are ASCII, counted in steps of eight. */
static size_t ascii_run(const uint8_t *p, size_t n)
{
    size_t i = 0;
    uint64_t a, b;

    for (; n - i >= 16; i += 16) {
        memcpy(&a, p + i, sizeof(a));
        memcpy(&b, p + i + 8, sizeof(b));
        if (((a | b) & HIGH_BITS) != 0)
            break;
    }
    for (; n - i >= 8; i += 8) {
        memcpy(&a, p + i, sizeof(a));
        if ((a & HIGH_BITS) != 0)
            break;
    }
    return i;
}

bool utf8_feed(struct utf8 *u, struct str s)
{
    uint32_t state = u->state;
    size_t i = 0;

    while (i < s.n) {
        uint8_t c = s.p[i];

        if (state != 0) {
            if (c < (state >> 8 & 0xff) || c > state >> 16)
                return false;
            state = state_of((state & 0xff) - 1, 0x80, 0xbf);
            i++;
        } else if (c < 0x80) {
            size_t run = ascii_run(s.p + i, s.n - i);

            i += run > 0 ? run : 1;
        } else {
            state = lead(c);
            if (state == 0)
                return false;
            i++;
        }
    }
    u->state = state;
    return true;
}

bool utf8_valid(struct str s)
{
    struct utf8 u = {0};

    return utf8_feed(&u, s) && utf8_complete(&u);
}

size_t utf8_count(struct str s)
{
    size_t n = 0, i = 0;

    for (; s.n - i >= 8; i += 8) {
        uint64_t w;

        /* A continuation byte has bit 7 set and bit 6 clear. */
        memcpy(&w, s.p + i, sizeof(w));
        w = w >> 7 & ~w >> 6 & LOW_BITS;
        n += 8 - (size_t)__builtin_popcountll(w);
    }
    for (; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

struct str utf8_prefix(struct str s, size_t n_max)
{
    if (s.n <= n_max)
        return s;
    while (n_max > 0 && (s.p[n_max] & 0xc0) == 0x80)
        n_max--;
    return (struct str){s.p, n_max};
}
