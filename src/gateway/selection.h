/* selection.h: which route a message takes: the route selection expression, evaluated over
 * the message's body. Pure. */
#ifndef GATEWAY_SELECTION_H
#define GATEWAY_SELECTION_H

#include "gateway/api.h"

/* The route of a message, or NULL: neither the expression's value nor $default has one.
 * Expressions: $request.body.PATH, ${request.body.PATH}, several of them and text between;
 * what is missing is empty; "\$default" is a constant. A body that is not JSON has no value. */
const struct api_route *selection_route(const struct api *a, struct str body);

/* Appends the value of a selection expression over a body; false if it is none. */
struct buf;
bool selection_evaluate(struct str expression, struct str body, struct buf *out) MUST_CHECK;

/* Can the expression be evaluated here? */
bool selection_valid(const char *expression) MUST_CHECK;

#endif
