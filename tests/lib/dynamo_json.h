/* dynamo_json.h: a request to the model of DynamoDB as a tree, so that each field
 * can be looked up by name and none that is not known is overlooked. */
#ifndef LIB_DYNAMO_JSON_H
#define LIB_DYNAMO_JSON_H

#include "base/json.h"

struct dynamo_node {
    struct str key, text;
    enum json_token kind;
    struct dynamo_node *first, *last, *next, *parent;
};

struct dynamo_tree {
    struct dynamo_node *nodes; /* the first is the root */
    size_t n, max;
    uint8_t *bytes;
};

/* False if the bytes are not JSON, or no object. dynamo_tree_fini either way. */
bool dynamo_tree_parse(struct dynamo_tree *t, struct str bytes) MUST_CHECK;
void dynamo_tree_fini(struct dynamo_tree *t);

/* The member of that name; NULL if there is none. */
struct dynamo_node *dynamo_tree_get(const struct dynamo_node *n, const char *key);

/* The member's text, or an empty string. */
struct str dynamo_tree_text(const struct dynamo_node *n, const char *key);

/* Whether every member is one of the names, which are separated by spaces. */
bool dynamo_tree_only(const struct dynamo_node *n, const char *names) MUST_CHECK;

#endif
