/* store_dynamodb.h: logs and records in Amazon DynamoDB, in two tables that any
 * number of nodes share (docs/dynamodb.md has their keys and items).
 *
 *   request on its home's loop -> calls over an http_client -> completion there
 *
 * There is no thread and no lock: each request is a chain of calls on its own
 * loop. A batch is one item, put on the condition that its key is free; an append
 * with amends, or of more than one item holds, is one transaction. Every call is
 * tried again until it succeeds, is refused or its time is over. */
#ifndef STORE_STORE_DYNAMODB_H
#define STORE_STORE_DYNAMODB_H

#include "io/http_client.h"
#include "store/store.h"
#include "wire/sigv4.h"

enum {
    STORE_DYNAMODB_NAME_MAX = 128, /* of the prefix */
    STORE_DYNAMODB_WHY_MAX = 512,
};

/* Signs requests; any thread. sign appends what sigv4_headers does, or returns
 * false if there are no credentials. refresh is told that the service did not know
 * those that were used last. */
struct store_dynamodb_signer {
    bool (*sign)(void *ctx, const struct sigv4_request *r, struct buf *out);
    void (*refresh)(void *ctx);
    void (*close)(void *ctx); /* with the store, also if opening it fails; or NULL */
    void *ctx;
};

/* Records of one kind may have a table of their own: those whose pk begins with prefix, under sk.
 * The rest of pk is its one key. They are got and put as others are, and not walked over. */
struct store_dynamodb_apart {
    const char *table; /* NULL or "": no kind has one */
    struct str prefix, sk;
    const char *key; /* the attribute's name */
};

/* Told at most once a second why requests fail; on the loop of one of them. */
typedef void store_dynamodb_told_f(void *ctx, const char *why);

struct store_dynamodb_options {
    struct http_client *client; /* closed with the store, also if opening it fails */
    const char *endpoint;       /* a URL without a path */
    const char *region;
    const char *prefix;                  /* of the tables' names */
    struct store_dynamodb_apart apart;   /* table is copied; the rest outlives the store */
    unsigned deadline_ms;                /* of a request, with all that is tried again */
    unsigned try_ms;                     /* of one try of one call */
    struct store_dynamodb_signer signer; /* sign NULL: requests are not signed */
    store_dynamodb_told_f *told;         /* or NULL */
    void *told_ctx;
};

/* Looks at nothing yet. 0 or -errno: -EINVAL for a name that is too long or an
 * endpoint that is not one. */
int store_dynamodb_open(struct io_host *host, const struct store_dynamodb_options *o,
                        struct store **ret_store) MUST_CHECK;

#endif
