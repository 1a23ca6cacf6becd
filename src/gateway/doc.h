/* doc.h: a text of YAML or JSON as a tree: maps, lists and scalars, each with its place.
 *
 *     map ──first──▶ value ──next──▶ value          value->key names it within the map
 *     list ─first──▶ value ──next──▶ value
 *
 * The short forms of CloudFormation's functions are read as the long ones: `!Sub x` is the
 * map {"Fn::Sub": "x"}, `!Ref x` is {"Ref": "x"}. Scalars are kept as they were written:
 * what a number or a truth is, doc_* below decide. The tree owns all and is freed as a whole.
 *
 * Bounds: DOC_DEPTH_MAX, DOC_VALUES_MAX, DOC_KEYS_MAX of one map. Keys are unique. No text
 * contains a zero byte; each is followed by one. */
#ifndef GATEWAY_DOC_H
#define GATEWAY_DOC_H

#include "gateway/notes.h"

enum { DOC_DEPTH_MAX = 32, DOC_VALUES_MAX = 100 * 1000, DOC_KEYS_MAX = 1000 };

enum doc_kind { DOC_NULL, DOC_SCALAR, DOC_LIST, DOC_MAP };

struct doc_value {
    enum doc_kind kind;
    struct note_place at;     /* where it begins */
    struct note_place key_at; /* where its key is; else as at */
    struct str key;           /* within a map */
    struct str text;          /* of a scalar */
    struct doc_value *first, *last, *next;
    size_t n; /* of a list or a map */
};

struct doc {
    struct doc_value *root;
    struct doc_block *blocks; /* private: the memory of all values */
};

/* Frees the tree. Idempotent; also of a tree that was not completed. */
void doc_free(struct doc *d);

/* The value under that key, or NULL; NULL also if v is NULL or no map. */
const struct doc_value *doc_get(const struct doc_value *v, struct str key);

/* Whether it is a map of one entry with that key: of a function. */
bool doc_is_call(const struct doc_value *v, struct str key);

/* "a text", "a list", "a map", "nothing". */
const char *doc_kind_name(const struct doc_value *v);

/* Private: n bytes of the tree's memory. */
void *doc_allot(struct doc *d, size_t n) MUST_CHECK;

/* A text as a truth (true, false, in any case of letters). False if it is not. */
bool doc_to_bool(struct str text, bool *ret) MUST_CHECK;

#endif
