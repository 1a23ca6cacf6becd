#include "wire/hmac.h"

#include "lib/check.h"

#include <stdio.h>
#include <string.h>

static void check_mac(const struct hmac *h, struct str message, const char *wanted)
{
    uint8_t mac[HMAC_N];
    char text[2 * HMAC_N + 1];

    hmac_make(h, message, mac);
    for (size_t i = 0; i < HMAC_N; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", mac[i]);
    assert_string_equal(text, wanted);
}

/* RFC 4231 4.2, 4.3, 4.7: a short key, one shorter than a block, one longer. */
static void hmac_rfc4231_vectors(void **state)
{
    uint8_t ones[131], elevens[20];
    struct hmac h = {0};

    (void)state;
    memset(ones, 0xaa, sizeof(ones));
    memset(elevens, 0x0b, sizeof(elevens));
    hmac_init(&h, (struct str){elevens, sizeof(elevens)});
    for (int i = 0; i < 2; i++) /* a use leaves the key as it is */
        check_mac(&h, STR("Hi There"),
                  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_fini(&h);
    hmac_init(&h, STR("Jefe"));
    check_mac(&h, STR("what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_fini(&h);
    hmac_init(&h, (struct str){ones, sizeof(ones)});
    check_mac(&h, STR("Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_fini(&h);
    hmac_fini(&h); /* harmless */
}

CHECK_MAIN(cmocka_unit_test(hmac_rfc4231_vectors))
