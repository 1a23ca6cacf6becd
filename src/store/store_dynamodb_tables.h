/* store_dynamodb_tables.h: the tables of a store in DynamoDB, two and that of a kind of records
 * that has its own: looked at, and what
 * is missing made (docs/dynamodb.md says what they are). */
#ifndef STORE_STORE_DYNAMODB_TABLES_H
#define STORE_STORE_DYNAMODB_TABLES_H

#include "store/store.h"

struct store_dynamodb_tables {
    struct store_req req; /* its result: STORE_OK: all is there, and as it must be */
    bool make;            /* else nothing is changed, and what is missing is said */
    bool recovery;        /* to any second of the last 35 days */
    bool protection;      /* from being deleted; of a table that is made */
    const char *key;      /* of KMS, for encryption; "": the service's own */
    unsigned patience_ms; /* until a table that is made is ready */
    /* What is there, or was done: a line for a person, on req.home's loop. */
    void (*said)(void *ctx, const char *line);
    void *ctx;
    char ret_why[512]; /* unless the result is STORE_OK */
    unsigned index;    /* private: which of them */
    bool missed;       /* private */
};

/* store must be DynamoDB's. req.home and req.done are the caller's; done as with any
 * request. What is there already is fine: it can be asked again, also by two at once. */
void store_dynamodb_tables(struct store *store, struct store_dynamodb_tables *t);

#endif
