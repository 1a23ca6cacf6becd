/* template_function.h: the Lambda functions of a template: AWS::Lambda::Function,
 * AWS::Serverless::Function with SAM's Globals, where their code is (CodeUri, a path, an
 * asset of the CDK, ZipFile), and AWS::Lambda::Permission. Part of gateway/template.h. */
#ifndef GATEWAY_TEMPLATE_FUNCTION_H
#define GATEWAY_TEMPLATE_FUNCTION_H

#include "gateway/template_part.h"

/* Whether it is the type of a function. */
bool template_function_is(struct str type);

/* Adds a function to the api. */
void template_function_read(struct template *t, const struct doc_value *resource);

/* Takes note of which function API Gateway may invoke; behind all functions. */
void template_function_permit(struct template *t, const struct doc_value *permission);

#endif
