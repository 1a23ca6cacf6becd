/* certificate.h: a certificate that the gateway makes for itself, since functions call
 * https://DOMAIN/STAGE, and files by which they trust it. They are in a directory of their own
 * that only this user can read. Blocks: for the start of the program. */
#ifndef GATEWAY_CERTIFICATE_H
#define GATEWAY_CERTIFICATE_H

#include "base/base.h"

enum { CERTIFICATE_PATH_MAX = 256 };

struct certificate {
    char dir[CERTIFICATE_PATH_MAX - 64];
    char cert[CERTIFICATE_PATH_MAX], key[CERTIFICATE_PATH_MAX];
    char bundle[CERTIFICATE_PATH_MAX]; /* the certificate, and those that the system trusts */
};

/* Makes one for 127.0.0.1, ::1 and localhost. 0 or -errno: then nothing is left. */
int certificate_make(struct certificate *ret) MUST_CHECK;

/* Removes the files. Harmless if it is zero. */
void certificate_remove(struct certificate *c);

#endif
