/* doc_yaml.h: a tree (gateway/doc.h) of a text of YAML 1.1, by libyaml. One document;
 * CloudFormation's tags become maps; aliases and other tags are refused. */
#ifndef GATEWAY_DOC_YAML_H
#define GATEWAY_DOC_YAML_H

#include "gateway/doc_build.h"

/* False with an error in b's notes. */
bool doc_yaml_read(struct doc_build *b, struct str text) MUST_CHECK;

#endif
