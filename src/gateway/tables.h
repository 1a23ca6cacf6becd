/* tables.h: the tables that a template describes, made where functions look for them: in an
 * emulator of DynamoDB, as CloudFormation makes them at AWS. */
#ifndef GATEWAY_TABLES_H
#define GATEWAY_TABLES_H

#include "gateway/gateway.h"

/* Makes those of g's api that are not there, at that address ("http://localhost:8000"). Says
 * on standard error which were made, and what cannot be: the gateway goes on then. Runs g's
 * loop; for the start, before anything else is under way. */
void tables_make(struct gateway *g, const char *endpoint);

#endif
