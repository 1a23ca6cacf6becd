/* template_table.h: a template's DynamoDB tables, as the requests that make them in an
 * emulator: AWS::DynamoDB::Table, AWS::Serverless::SimpleTable. Part of gateway/template.h. */
#ifndef GATEWAY_TEMPLATE_TABLE_H
#define GATEWAY_TEMPLATE_TABLE_H

#include "gateway/template_part.h"

/* Adds one to the api. Keys, attributes, indexes and the stream are taken over; all else, such
 * as capacities, means nothing to an emulator. */
void template_table_read(struct template *t, const struct doc_value *resource);

#endif
