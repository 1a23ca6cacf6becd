#include "base/siphash.h"
#include "lib/check.h"

/* Of the key 00 01 … 0f over the messages "", 00, 00 01, …: the authors'
 * reference vectors; the last is the example of the paper's appendix A. */
static void siphash_gives_the_published_values(void **state)
{
    static const uint64_t want[] = {
        UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
        UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
        UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137),
    };
    uint8_t key[16], message[15];

    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        message[i] = i;
    for (size_t n = 0; n < COUNTOF(want); n++)
        assert_true(siphash(key, (struct str){message, n}) == want[n]);
    assert_true(siphash(key, (struct str){message, 15}) == UINT64_C(0xa129ca6149be45e5));
    assert_true(siphash(key, (struct str){0}) == want[0]);
    key[15] ^= 1;
    assert_true(siphash(key, (struct str){message, 15}) != UINT64_C(0xa129ca6149be45e5));
}

CHECK_MAIN(cmocka_unit_test(siphash_gives_the_published_values))
