/* template_eval.h: evaluates CloudFormation's functions: Ref, Fn::Sub, GetAtt, Join, If,
 * FindInMap, Select, Split, Base64, GetAZs, ImportValue, and the functions of conditions.
 *
 * What a resource is called in AWS is not known here. Ref of a function or a table is its
 * name if the template gives it one, else its logical id; Ref of all that belongs to the API
 * is the logical id; ARNs are made as AWS would. For what remains a stand-in is used, with a
 * warning, unless the options give a value.
 *
 * Work is bounded (TEMPLATE_EVAL_STEPS_MAX): values that contain each other many times, or
 * in a circle, are an error. */
#ifndef GATEWAY_TEMPLATE_EVAL_H
#define GATEWAY_TEMPLATE_EVAL_H

#include "gateway/api_load_options.h"
#include "gateway/doc.h"

enum {
    TEMPLATE_EVAL_STEPS_MAX = 200 * 1000,
    TEMPLATE_EVAL_BYTES_MAX = 64 << 20, /* of all texts together */
    TEMPLATE_EVAL_DEPTH_MAX = 100,
    TEMPLATE_EVAL_TEXT_MAX = 1 << 20,
    TEMPLATE_EVAL_LIST_MAX = 1000,
};

struct template_eval {
    const struct doc_value *parameters, *mappings, *conditions, *resources; /* or NULL */
    bool transformed; /* SAM makes resources that are not in the text */
    bool imports;     /* something of another stack was asked for */
    const struct api_load_options *options;
    struct notes *notes;
    const char *region, *account, *stack;
    unsigned steps, depth;
    size_t bytes;
};

/* Reads the sections of a template, which must outlive e. */
void template_eval_init(struct template_eval *e, const struct doc_value *root,
                        const struct api_load_options *o, struct notes *ns);

/* Whether v is a function to be evaluated, Ref or Fn::; v may be NULL. */
bool template_eval_is_call(const struct doc_value *v);

/* What stands there once Fn::If and Fn::FindInMap are followed. NULL for nothing: v is NULL
 * or null, or AWS::NoValue was chosen; or evaluation failed, which is in the notes. */
const struct doc_value *template_eval_value(struct template_eval *e, const struct doc_value *v);

/* Appends the text. False if there is none; the error is in the notes. */
bool template_eval_text(struct template_eval *e, const struct doc_value *v,
                        struct buf *out) MUST_CHECK;

/* A list of texts that it owns. */
struct template_eval_list {
    char **at;
    size_t n;
};

void template_eval_list_fini(struct template_eval_list *l);

/* Appends the texts of a list, or the only one. False with an error in the notes. */
bool template_eval_texts(struct template_eval *e, const struct doc_value *v,
                         struct template_eval_list *l) MUST_CHECK;

/* Whether the condition of that name holds. False with an error in the notes. */
bool template_eval_holds(struct template_eval *e, struct str name, struct note_place at,
                         bool *ret) MUST_CHECK;

/* The resource of that logical id if its condition holds, else NULL. */
const struct doc_value *template_eval_resource(struct template_eval *e, struct str id);

/* Its Type; empty: none. */
struct str template_eval_type(const struct doc_value *resource);

/* The name of a Lambda function within its ARN, an invocation's URI or the name itself; a
 * version or alias behind it is cut off. Empty if there is none. */
struct str template_eval_function_name(struct str text);

#endif
