/* eio_sid.h: ids of sessions of Engine.IO: which node and worker have it, and 128
 * random bits; 25 bytes as base64url. Pure. */
#ifndef SERVER_SIO_EIO_SID_H
#define SERVER_SIO_EIO_SID_H

#include "base/base.h"

#define EIO_SID_LEN 34
#define EIO_ID_LEN 16

struct eio_sid {
    uint64_t node;
    unsigned worker; /* below 256 */
    uint8_t id[EIO_ID_LEN];
};

void eio_sid_write(const struct eio_sid *sid, char ret_text[static EIO_SID_LEN]);

/* False if it is none. */
bool eio_sid_parse(struct str text, struct eio_sid *ret) MUST_CHECK;

#endif
