/* webhook.h: a request is signed as Standard Webhooks has it: HMAC-SHA-256 over
 * "<id>.<timestamp>.<body>", by a secret that is written "whsec_" and base64. Pure. */
#ifndef WIRE_WEBHOOK_H
#define WIRE_WEBHOOK_H

#include "base/base.h"
#include "wire/hmac.h"

/* Bytes of a secret. */
#define WEBHOOK_SECRET_MIN 24
#define WEBHOOK_SECRET_MAX 64
/* Of a signature: "v1," and base64; there is no NUL. */
#define WEBHOOK_SIGNATURE_N 47

/* Sets up h by a secret as it is written. False if it is none, or of another length. */
bool webhook_secret(struct str written, struct hmac *h) MUST_CHECK;

/* Signs. The id has no '.'. */
void webhook_sign(const struct hmac *h, struct str id, uint64_t unix_s, struct str body,
                  char ret_signature[static WEBHOOK_SIGNATURE_N]);

#endif
