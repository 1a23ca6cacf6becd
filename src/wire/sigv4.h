/* sigv4.h: AWS Signature Version 4, for every service but S3: a request's headers,
 * or the query of a URL that is given away (a presigned one).
 *
 *   request -> canonical request -> SHA-256 -> string to sign -> HMAC -> signature
 *
 * The path is taken as it is sent, percent-encoded, and encoded once more for the
 * signature, as every service but S3 wants it. The key of a day, a region and a
 * service is derived once and kept in a struct sigv4_key, which belongs to its
 * user's thread. Pure: the time is an argument. */
#ifndef WIRE_SIGV4_H
#define WIRE_SIGV4_H

#include "base/buf.h"

enum {
    SIGV4_HASH_N = 32,
    SIGV4_HEADERS_MAX = 32,
    SIGV4_PARAMS_MAX = 32,
    SIGV4_NAME_MAX = 64, /* of a region, a service */
};

/* Whose request it is. token is empty but for temporary credentials. */
struct sigv4_credentials {
    struct str access_key, secret_key, token;
};

/* A derived key; zero before its first use. What is secret in it is the user's to
 * wipe (sigv4_key_fini). */
struct sigv4_key {
    uint32_t day; /* since 1970; 0: none yet */
    uint8_t secret_hash[SIGV4_HASH_N];
    uint8_t key[SIGV4_HASH_N];
    char region[SIGV4_NAME_MAX], service[SIGV4_NAME_MAX];
};
void sigv4_key_fini(struct sigv4_key *k);

struct sigv4_request {
    struct str method;
    struct str host;  /* with its port, if that is not the protocol's own */
    struct str path;  /* as it is sent; empty: "/" */
    struct str query; /* as it is sent, encoded, without '?' */
    /* Further headers that are signed, "Name: value" each; not Host, nor those that
     * the signer adds. */
    const struct str *headers;
    unsigned headers_n;
    struct str body;
    struct str region, service;
    uint64_t now_s;     /* Unix time */
    unsigned expires_s; /* of a presigned URL */
};

/* Appends the headers X-Amz-Date, X-Amz-Security-Token (if there is a token) and
 * Authorization, as "Name: value" and a NUL each. False if there are too many headers or
 * parameters, or a region's or service's name is too long: nothing is appended then. */
bool sigv4_headers(struct sigv4_key *k, const struct sigv4_credentials *c,
                   const struct sigv4_request *r, struct buf *out) MUST_CHECK;

/* Adds the lines of what sigv4_headers appended to a list of headers that has n, and ends it with
 * NULL. The list has room for max, NULL among them: lines beyond are left out. */
void sigv4_lines(struct str signature, const char **list, unsigned n, unsigned max);

/* Appends the signed query: the request's own parameters, those of the signature, and
 * the signature itself. Headers besides Host are not signed. False as above. */
bool sigv4_query(struct sigv4_key *k, const struct sigv4_credentials *c,
                 const struct sigv4_request *r, struct buf *out) MUST_CHECK;

#endif
