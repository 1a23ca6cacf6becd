/* issued_token.h: tokens of an outside issuer, signed by the key of lib/jwk_samples.h. */
#ifndef LIB_ISSUED_TOKEN_H
#define LIB_ISSUED_TOKEN_H

#include "base/buf.h"

/* A token whose header names the key, and with these claims, in which ' stands for ". The caller
 * frees it. */
struct buf issued_token(const char *kid, const char *claims);

#endif
