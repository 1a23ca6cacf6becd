/* answer.h: credentials as the services that hand them out write them: JSON of a
 * container's or an instance's endpoint, XML of STS. Pure, but for the copies, which
 * answer_wipe wipes. */
#ifndef AWS_ANSWER_H
#define AWS_ANSWER_H

#include "base/base.h"
#include "wire/sigv4.h"

enum {
    ANSWER_ACCESS_MAX = 128,
    ANSWER_SECRET_MAX = 256,
    ANSWER_TOKEN_MAX = 8192,
    ANSWER_CODE_MAX = 64,
};

struct answer {
    char access_key[ANSWER_ACCESS_MAX + 1], secret_key[ANSWER_SECRET_MAX + 1];
    char token[ANSWER_TOKEN_MAX + 1];
    int64_t expires_s;              /* 0: does not */
    char code[ANSWER_CODE_MAX + 1]; /* why there are none, as the service says; or empty */
};

/* Takes credentials that came in parts; those that were not given are of n 0. False if
 * the key or the secret is missing, or they have what no header takes: spaces, line
 * breaks, more than the limits. */
bool answer_take(struct answer *a, const struct sigv4_credentials *c) MUST_CHECK;

/* Reads {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}; unescapes in place.
 * False if that is not what it is; code may say why. */
bool answer_json(struct answer *a, uint8_t *p, size_t n) MUST_CHECK;

/* Reads the answer to AssumeRoleWithWebIdentity. As above. */
bool answer_sts(struct answer *a, struct str xml) MUST_CHECK;

void answer_wipe(struct answer *a);

#endif
