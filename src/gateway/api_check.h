/* api_check.h: what API Gateway would refuse of an API, or what could never work on it. */
#ifndef GATEWAY_API_CHECK_H
#define GATEWAY_API_CHECK_H

#include "gateway/api_draft.h"

/* Looks at the whole; errors and warnings go to d's notes. */
void api_check(struct api_draft *d);

#endif
