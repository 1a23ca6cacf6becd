/* doc_read.h: reads a text into a tree (gateway/doc.h). */
#ifndef GATEWAY_DOC_READ_H
#define GATEWAY_DOC_READ_H

#include "gateway/doc.h"

/* As JSON if the first character is { or [, else as YAML. False if it is malformed, and ns
 * has an error that says where and what was expected; doc_free all the same. */
bool doc_read(struct doc *d, struct str text, struct notes *ns) MUST_CHECK;

#endif
