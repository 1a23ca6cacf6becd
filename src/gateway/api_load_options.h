/* api_load_options.h: how the description of an API is read. */
#ifndef GATEWAY_API_LOAD_OPTIONS_H
#define GATEWAY_API_LOAD_OPTIONS_H

#include "gateway/api.h"

/* Each may be NULL. */
struct api_load_options {
    /* Values of the template's parameters. Besides, what only AWS knows: "Table" is what Ref
     * gives of that resource, "Balancer.DNSName" an attribute; "Function.CodeUri" is where
     * its code is, relative to the working directory. */
    const struct api_pairs *parameters;
    const char *region, *account, *stack; /* us-east-1, 123456789012, local */
    const char *api, *stage;              /* of several: logical id; StageName */
};

#endif
