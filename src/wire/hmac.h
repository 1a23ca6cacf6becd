/* hmac.h: HMAC-SHA-256 (RFC 2104) with a key that is used often: what the key comes to
 * is computed once, and a use allocates nothing. OpenSSL's EVP_MAC costs 6,000
 * instructions a use before it looks at the message. */
#ifndef WIRE_HMAC_H
#define WIRE_HMAC_H

#include "base/base.h"

enum { HMAC_N = 32 };

struct hmac_state; /* private */

/* A key. Shared between threads once it is set up. */
struct hmac {
    struct hmac_state *state;
};

/* The key may be forgotten afterwards. Aborts when memory is out. */
void hmac_init(struct hmac *h, struct str key);

/* Nothing of the key is left in memory. Harmless if h is zeroed. */
void hmac_fini(struct hmac *h);

void hmac_make(const struct hmac *h, struct str message, uint8_t ret_mac[static HMAC_N]);

#endif
