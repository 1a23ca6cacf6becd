/* short_file.h: reads the short description of an API, for those who have no template
 * (docs/gateway_file.md), into an api (gateway/api.h):
 *
 *     functions:
 *       chat: {command: node chat.mjs, code: ./functions}
 *     routes:
 *       $connect: {lambda: chat}
 *       $default: http://localhost:8080/gw
 *       ping: {mock: 200, response: '{"message": "pong"}'} */
#ifndef GATEWAY_SHORT_FILE_H
#define GATEWAY_SHORT_FILE_H

#include "gateway/api_draft.h"
#include "gateway/api_load_options.h"
#include "gateway/doc.h"

/* Fills d's api as far as the file is right; errors go to its notes. dir: of the file. */
void short_file_read(struct api_draft *d, const struct doc_value *root, const char *dir,
                     const struct api_load_options *o);

#endif
