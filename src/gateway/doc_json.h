/* doc_json.h: a tree (gateway/doc.h) of a text of JSON. */
#ifndef GATEWAY_DOC_JSON_H
#define GATEWAY_DOC_JSON_H

#include "gateway/doc_build.h"

/* False with an error in b's notes. */
bool doc_json_read(struct doc_build *b, struct str text) MUST_CHECK;

#endif
