/* oidc.h: what is known of an issuer by its address: OpenID Connect Discovery 1.0. */
#ifndef WIRE_OIDC_H
#define WIRE_OIDC_H

#include "base/base.h"

enum {
    OIDC_URL_MAX = 512,
    OIDC_CONFIG_MAX = 64 * 1024,
};

/* Is it an address that keys may be fetched from: https, or http on this machine, at
 * most OIDC_URL_MAX - 64 printable characters, without a user's name or a fragment? */
bool oidc_url_right(struct str url) MUST_CHECK;

/* Where the issuer describes itself (§4); issuer must be right. NUL-terminated. */
void oidc_config_url(struct str issuer, char ret_url[static OIDC_URL_MAX]);

/* The address of its keys, in that description (§4.2). False if it is malformed, of
 * another issuer, or the address is not right. NUL-terminated. */
bool oidc_config_read(struct str text, struct str issuer,
                      char ret_url[static OIDC_URL_MAX]) MUST_CHECK;

/* For how many seconds a Cache-Control says that it holds (RFC 9111 §5.2.2.1); false
 * if it says nothing. */
bool oidc_max_age(struct str cache_control, uint64_t *ret_s) MUST_CHECK;

#endif
