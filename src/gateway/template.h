/* template.h: reads a CloudFormation template, also one that is meant for the SAM transform,
 * or synthesised by the CDK or the Serverless Framework, into an api (gateway/api.h).
 *
 *   functions ─▶ permissions ─▶ integrations, authorizers ─▶ routes ─▶ responses ─▶ stage
 *
 * What belongs to another API, and what has nothing to do with one, is passed over. */
#ifndef GATEWAY_TEMPLATE_H
#define GATEWAY_TEMPLATE_H

#include "gateway/api_draft.h"
#include "gateway/api_load_options.h"
#include "gateway/doc.h"

/* Fills d's api as far as the template is right; errors and warnings go to its notes. dir: of
 * the template. */
void template_read(struct api_draft *d, const struct doc_value *root, const char *dir,
                   const struct api_load_options *o);

#endif
