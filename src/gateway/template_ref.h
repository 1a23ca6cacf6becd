/* template_ref.h: what Ref and Fn::GetAtt refer to: parameters, pseudo parameters, resources
 * and their attributes. Part of gateway/template_eval.h. */
#ifndef GATEWAY_TEMPLATE_REF_H
#define GATEWAY_TEMPLATE_REF_H

#include "gateway/template_eval.h"

/* Appends the text. False if the name refers to nothing; the error is in the notes. */
bool template_ref(struct template_eval *e, struct str name, struct note_place at,
                  struct buf *out) MUST_CHECK;

/* The same of "Resource.Attribute"; the attribute may have dots too. */
bool template_ref_attribute(struct template_eval *e, struct str name, struct note_place at,
                            struct buf *out) MUST_CHECK;

/* The text of what another stack exports by that name: as the options say, or a stand-in. */
void template_ref_import(struct template_eval *e, struct str name, struct note_place at,
                         struct buf *out);

/* What the options say for that name, or NULL. */
const char *template_ref_given(const struct template_eval *e, struct str name);

#endif
