/* store_dynamodb_scan.h: the items of any table in DynamoDB, page by page: of one that is
 * no store's, too. The store gives its endpoint, its credentials and its patience. */
#ifndef STORE_STORE_DYNAMODB_SCAN_H
#define STORE_STORE_DYNAMODB_SCAN_H

#include "store/store.h"
#include "wire/dynamo.h"

struct store_dynamodb_scan {
    struct store_req req; /* home and done are the caller's; its result: STORE_OK or STORE_FAILED */
    const char *table;
    const char *const *names; /* of the attributes that are wanted: each once */
    unsigned names_n;         /* 1 to DYNAMO_ATTRS_MAX */
    struct frame *start;      /* ret_next of the page before; NULL: the first page */
    /* Is given each item before done, on home's loop; the item is good until it returns. What is
     * neither text, number nor bytes is not in it. */
    void (*item)(void *ctx, const struct dynamo_item *item);
    void *ctx;
    struct frame *ret_next; /* the caller's to unref; NULL: that was all */
    char ret_why[512];      /* unless the result is STORE_OK */
};

/* store must be DynamoDB's. Reads consistently. done is told as with any request. */
void store_dynamodb_scan(struct store *store, struct store_dynamodb_scan *s);

#endif
