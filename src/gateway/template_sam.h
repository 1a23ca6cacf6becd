/* template_sam.h: AWS::Serverless::WebSocketApi, which is API, routes, integrations,
 * authorizer and stage in one. Part of gateway/template.h. */
#ifndef GATEWAY_TEMPLATE_SAM_H
#define GATEWAY_TEMPLATE_SAM_H

#include "gateway/template_part.h"

/* Fills the api from t->api. Functions have been read. */
void template_sam_read(struct template *t);

#endif
