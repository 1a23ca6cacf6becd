/* dynamo_expr.h: items of the model of DynamoDB, and the expressions about them that
 * the engine uses: comparisons, functions, AND within OR, without parentheses. */
#ifndef LIB_DYNAMO_EXPR_H
#define LIB_DYNAMO_EXPR_H

#include "lib/dynamo_json.h"

enum { DYNAMO_VALUES_MAX = 12 };

/* Bytes are its own. */
struct dynamo_value {
    char name[32];
    char type; /* S, N, B; 0: there is none */
    uint8_t *p;
    size_t n;
};

struct dynamo_values {
    struct dynamo_value v[DYNAMO_VALUES_MAX];
    unsigned n;
};

/* From {"name": {"S": "..."}, ...}; why it is not such, or NULL. NULL is empty. */
const char *dynamo_values_read(struct dynamo_values *to, const struct dynamo_node *from);
void dynamo_values_copy(struct dynamo_values *to, const struct dynamo_values *from);
void dynamo_values_fini(struct dynamo_values *v);
struct dynamo_value *dynamo_values_get(const struct dynamo_values *v, struct str name);

/* Sets, or replaces; the value's bytes are copied. */
void dynamo_values_set(struct dynamo_values *v, struct str name, const struct dynamo_value *value);

/* As the service counts it. */
size_t dynamo_values_bytes(const struct dynamo_values *v);

void dynamo_values_write(const struct dynamo_values *v, struct json_out *o);

/* Below 0, 0, above 0. Of the same type; numbers are whole ones. */
int dynamo_value_order(const struct dynamo_value *a, const struct dynamo_value *b);

/* What is wrong with the expression, or NULL. */
const char *dynamo_expr_check(struct str expr, const struct dynamo_values *values);

/* Whether it holds for item; it was checked. */
bool dynamo_expr_holds(struct str expr, const struct dynamo_values *item,
                       const struct dynamo_values *values) MUST_CHECK;

/* SET name = :value, ... or ADD name :value. What is wrong, or NULL. Names that were
 * set are noted in ret_changed. */
const char *dynamo_expr_update(struct str expr, struct dynamo_values *item,
                               const struct dynamo_values *values,
                               struct dynamo_values *ret_changed);

#endif
