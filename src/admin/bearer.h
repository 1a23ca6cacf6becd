/* bearer.h: the token with which a command of the program asks a server. */
#ifndef ADMIN_BEARER_H
#define ADMIN_BEARER_H

#include "base/buf.h"

#define BEARER_MAX (16 * 1024)

/* Makes b the header "Authorization: Bearer <token>", NUL-terminated (RFC 6750 2.1). False
 * if there is no token, or it cannot be one: longer, or with other than visible ASCII. */
bool bearer_header(const char *token, struct buf *b) MUST_CHECK;

/* Frees it, or an answer that holds a token, and leaves nothing of it in memory. */
void bearer_wipe(struct buf *b);

#endif
