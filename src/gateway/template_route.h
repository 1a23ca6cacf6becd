/* template_route.h: the routes and the stage of a template's API: AWS::ApiGatewayV2::Route,
 * RouteResponse, Stage, Deployment. Part of gateway/template.h. */
#ifndef GATEWAY_TEMPLATE_ROUTE_H
#define GATEWAY_TEMPLATE_ROUTE_H

#include "gateway/template_part.h"

/* Adds one to the api. Integrations and authorizers have been read. */
void template_route_read(struct template *t, const struct doc_value *resource);

/* Marks its route as one that answers; behind the routes. */
void template_route_response(struct template *t, const struct doc_value *resource);

/* Takes the stage that is to be served, behind the routes; counts each of the API in *n. */
void template_route_stage(struct template *t, const struct doc_value *resource, unsigned *n);

/* Looks at a deployment; one that names a stage makes it, if there is no other. */
void template_route_deployment(struct template *t, const struct doc_value *resource);

/* RouteSettings and such, of a part that has them. */
void template_route_settings(const struct template_part *p);

/* RequestParameters: which of them are required. */
void template_route_parameters(const struct template_part *p, struct api_route *r);

#endif
