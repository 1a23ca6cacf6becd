/* issuer_keys.h: the keys of an outside issuer, fetched once over HTTP: from where the issuer's
 * description says, or from an address that is known.
 *
 *   start ──▶ (description ──▶) keys ──▶ done
 *
 * When keys are fetched is the caller's matter (server/node/issuer.h, lambda/lambda_issuer.h). On
 * one loop. */
#ifndef ISSUER_ISSUER_KEYS_H
#define ISSUER_ISSUER_KEYS_H

#include "io/http_client.h"
#include "wire/jwks.h"
#include "wire/oidc.h"

struct issuer_keys;

typedef void issuer_keys_done_f(struct issuer_keys *k);

/* The caller sets what stands before ret_keys, and keeps it until done was called. */
struct issuer_keys {
    struct http_client *client;
    struct io *home;
    struct str issuer;
    const char *url;          /* of the keys; "": the issuer's description says it */
    const char *ca_file;      /* trusted instead of the client's; "": the client's */
    issuer_keys_done_f *done; /* exactly once, never inside issuer_keys_start */

    struct jwks *ret_keys;      /* the caller's; NULL: they could not be had, */
    const char *ret_why;        /* and why, for a person */
    uint64_t ret_old_ms;        /* so long they count as new, by Cache-Control */
    char ret_url[OIDC_URL_MAX]; /* what was asked last */
    /* Private. */
    struct http_request req;
    bool stopped;
    char why[48];
};

void issuer_keys_start(struct issuer_keys *k);

/* An answer may still come, but done is not called any more. */
void issuer_keys_stop(struct issuer_keys *k);

/* The client is closed, or nothing is under way. Zero is fine. */
void issuer_keys_fini(struct issuer_keys *k);

/* What is wrong with addresses that settings name, of the issuer and of its keys ("" for none);
 * NULL: nothing. */
const char *issuer_keys_wrong(const char *issuer, const char *url) MUST_CHECK;

/* Is it an address, and not a file's name? */
bool issuer_keys_is_url(const char *text) MUST_CHECK;

#endif
