#include "base/siphash.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

uint64_t siphash(const uint8_t key[static 16], struct str s)
{
    uint8_t out[crypto_shorthash_siphash24_BYTES];
    uint64_t h;

    crypto_shorthash_siphash24(out, s.p, s.n, key);
    memcpy(&h, out, sizeof(h));
    return le64toh(h);
}
