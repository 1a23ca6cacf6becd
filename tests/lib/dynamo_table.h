/* dynamo_table.h: the tables of the model of DynamoDB, and the operations on them
 * that the engine uses, checked as strictly as the service does: unknown fields,
 * reserved words, values that no expression names, sizes, key types. */
#ifndef LIB_DYNAMO_TABLE_H
#define LIB_DYNAMO_TABLE_H

#include "base/buf.h"

struct dynamo_tables;

struct dynamo_tables *dynamo_tables_new(void) MUST_CHECK;
void dynamo_tables_free(struct dynamo_tables *t);

/* A table whose partition key is an S, and whose sort key is of that type. */
void dynamo_tables_add(struct dynamo_tables *t, const char *name, const char *pk, const char *sk,
                       char sk_type);

/* Does what is asked; the status, and the answer's body appended to out. */
unsigned dynamo_tables_run(struct dynamo_tables *t, struct str operation, struct str body,
                           struct buf *out);

/* A copy of all tables, with what is in them. */
struct dynamo_tables *dynamo_tables_copy(const struct dynamo_tables *t) MUST_CHECK;

/* What is in t becomes what is in from. */
void dynamo_tables_put_back(struct dynamo_tables *t, const struct dynamo_tables *from);

/* Is in both the same? */
bool dynamo_tables_equal(const struct dynamo_tables *a, const struct dynamo_tables *b) MUST_CHECK;

/* Items in all tables. */
size_t dynamo_tables_items(const struct dynamo_tables *t);

#endif
