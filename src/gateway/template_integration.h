/* template_integration.h: what the routes of a template call: AWS::ApiGatewayV2::Integration,
 * IntegrationResponse and Authorizer, and the VPC links in between. Part of
 * gateway/template.h. */
#ifndef GATEWAY_TEMPLATE_INTEGRATION_H
#define GATEWAY_TEMPLATE_INTEGRATION_H

#include "gateway/template_part.h"

/* Each adds one to the api. Functions have been read; responses come behind integrations. */
void template_integration_read(struct template *t, const struct doc_value *resource);
void template_integration_response(struct template *t, const struct doc_value *resource);
void template_integration_authorizer(struct template *t, const struct doc_value *resource);

/* The name of the function that a property's URI or ARN invokes; the caller's. NULL if there
 * is none, which is in the notes. path: an invocation's URI is expected, not an ARN. */
char *template_integration_function(const struct template_part *p, const char *name, bool path);

/* Whether the property ApiId means the api that is read. */
bool template_integration_belongs(const struct template_part *p);

#endif
