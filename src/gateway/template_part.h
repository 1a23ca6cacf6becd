/* template_part.h: a template while it is read, and how one property of a resource is read:
 * evaluated, of the kind that is expected, within its bounds. Each error is in the notes,
 * with the resource's name and the place. Part of gateway/template.h. */
#ifndef GATEWAY_TEMPLATE_PART_H
#define GATEWAY_TEMPLATE_PART_H

#include "gateway/api_draft.h"
#include "gateway/template_eval.h"

struct template
{
    struct template_eval eval;
    const struct doc_value *root;
    struct api_draft *draft;
    struct notes *notes;
    const struct api_load_options *options;
    const char *dir;                      /* of the template */
    const struct doc_value *api;          /* the resource that is read */
    struct str route_ids[API_ROUTES_MAX]; /* logical ids */
};

/* One resource, or a part of one, whose properties are read. */
struct template_part {
    struct template *t;
    struct str id;                      /* logical id, for errors */
    const struct doc_value *properties; /* or NULL */
    const struct doc_value *globals;    /* of SAM: what holds if a property is not there; or NULL */
    struct note_place at;
};

/* The properties of a resource. */
struct template_part template_part_of(struct template *t, const struct doc_value *resource);

/* The map below a property; a part without properties if there is none. */
struct template_part template_part_below(const struct template_part *p, const char *name);

/* Whether that property, evaluated, is there. */
bool template_part_has(const struct template_part *p, const char *name);

/* The property with Fn::If followed, or NULL. */
const struct doc_value *template_part_value(const struct template_part *p, const char *name);

/* Where the property is; without it, where the part is. */
struct note_place template_part_place(const struct template_part *p, const char *name);

/* Each sets *to, if the property is there and right; else *to stays. Strings are replaced. */
void template_part_text(const struct template_part *p, const char *name, char **to);
void template_part_bool(const struct template_part *p, const char *name, bool *to);
void template_part_count(const struct template_part *p, const char *name, unsigned max,
                         unsigned *to);

/* The index of the text among the words, or `otherwise` if it is not there; n of them after
 * an error. */
size_t template_part_choice(const struct template_part *p, const char *name,
                            const char *const *words, size_t n, size_t otherwise);

/* A method of HTTP; POST if it is not there, NULL after an error. */
const char *template_part_method(const struct template_part *p, const char *name);

/* A map of texts. */
void template_part_pairs(const struct template_part *p, const char *name, struct api_pairs *to);

/* Says that a property is missing; whether it is there. */
bool template_part_needs(const struct template_part *p, const char *name);

/* Says which properties are not among those that are read, or known and ignored, each a list
 * of words with spaces between. http: those of HTTP APIs only, or NULL. strict: what is
 * unknown is an error, else a warning. */
void template_part_known(const struct template_part *p, const char *read, const char *ignored,
                         const char *http, bool strict);

/* Adds a note at a property, as "ID: TEXT". */
void template_part_note(const struct template_part *p, const char *name, enum note_code code,
                        const char *format, ...) PRINTF_LIKE(4, 5);

#endif
