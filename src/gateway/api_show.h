/* api_show.h: an api as text for people: what was read of a template or a short file. */
#ifndef GATEWAY_API_SHOW_H
#define GATEWAY_API_SHOW_H

#include "gateway/api.h"

/* Appends tables: the API and its stage, routes, integrations, authorizers, functions. Of
 * variables of the environment the names alone are shown. */
void api_show(const struct api *a, struct buf *out);

#endif
