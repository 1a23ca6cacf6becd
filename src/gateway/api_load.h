/* api_load.h: reads the file that describes an API: a CloudFormation template (it has
 * Resources; gateway/template.h) or a short file (it has routes; gateway/short_file.h), in
 * YAML or JSON, and looks at the whole (gateway/api_check.h). Blocks: for the start. */
#ifndef GATEWAY_API_LOAD_H
#define GATEWAY_API_LOAD_H

#include "gateway/api_load_options.h"
#include "gateway/notes.h"

enum { API_LOAD_MAX = 1 << 20 };

/* 0 and the api, which is the caller's, and maybe warnings in ns. -EINVAL and at least one
 * error in ns; or -errno of reading the file, with an error that says so. */
int api_load(const char *path, const struct api_load_options *o, struct api **ret_api,
             struct notes *ns) MUST_CHECK;

/* The same of a text; path says where it comes from: code is relative to its directory. */
int api_load_text(struct str text, const char *path, const struct api_load_options *o,
                  struct api **ret_api, struct notes *ns) MUST_CHECK;

#endif
