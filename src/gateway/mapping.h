/* mapping.h: text that API Gateway makes for an integration: the sources of request parameters
 * ("context.connectionId", "'text'") and mapping templates, of Velocity's language the
 * references only. Pure. */
#ifndef GATEWAY_MAPPING_H
#define GATEWAY_MAPPING_H

#include "gateway/api.h"
#include "gateway/occasion.h"

/* Appends what a request parameter's source is for this event. False if there is no such
 * value (a header that did not come): the parameter is left out then. */
bool mapping_source(const struct occasion *o, const struct api *a, struct str source,
                    struct buf *out) MUST_CHECK;

/* Where a source may stand, or-ed: nowhere, since it cannot be evaluated (0); at every event;
 * at $connect; as an identity source of an authorizer. */
enum mapping_use {
    MAPPING_EVENT = 1,
    MAPPING_CONNECT = 2,
    MAPPING_IDENTITY = 4,
};
unsigned mapping_source_uses(struct str source) MUST_CHECK;

/* Appends the template with each reference replaced; input is the body that it is about:
 *   $context.X  $stageVariables.X  $input.body  $input.json('PATH')  $input.path('PATH')
 *   $util.escapeJavaScript(REFERENCE)  $util.base64Encode(REFERENCE)
 * A known reference without a value is empty. */
void mapping_render(const struct occasion *o, const struct api *a, struct str template,
                    struct str input, struct buf *out);

/* Does the template have nothing but text and these references? Else *ret_bad is where what
 * cannot be evaluated begins. */
bool mapping_valid(struct str template, struct str *ret_bad) MUST_CHECK;

#endif
