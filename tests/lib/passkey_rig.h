/* passkey_rig.h: an authenticator, and the browser before it: makes a passkey of ES256, and proves
 * it, as wire/webauthn.h reads that; and lies where it is told to. All texts are in base64url. */
#ifndef LIB_PASSKEY_RIG_H
#define LIB_PASSKEY_RIG_H

#include "base/base.h"

#include <openssl/evp.h>

enum { PASSKEY_RIG_ID_N = 16, PASSKEY_RIG_TEXT_MAX = 1024 };

struct passkey_rig {
    EVP_PKEY *key;
    uint8_t id[PASSKEY_RIG_ID_N];
    const char *rp, *origin; /* where its pages are */
    const char *type; /* of client data, in the place of the right one; NULL: the right one */
    uint32_t count;   /* counts up, unless it is silent */
    bool silent;      /* it does not count */
    char handle[64];  /* as the server has told it */
    /* What it said last. */
    char id_text[64];
    char client[PASSKEY_RIG_TEXT_MAX], attestation[PASSKEY_RIG_TEXT_MAX];
    char data[PASSKEY_RIG_TEXT_MAX], signature[PASSKEY_RIG_TEXT_MAX];
};

/* seed tells its id from others'. */
void passkey_rig_init(struct passkey_rig *r, const char *origin, const char *rp, uint8_t seed);
void passkey_rig_fini(struct passkey_rig *r);

/* Makes the passkey: client and attestation. Proves it: client, data and signature. */
void passkey_rig_make(struct passkey_rig *r, const char *challenge);
void passkey_rig_prove(struct passkey_rig *r, const char *challenge);

#endif
