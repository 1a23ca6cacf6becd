/* json_path.h: one value out of a JSON text by the paths that API Gateway knows:
 * "action", "service.action", "items[0].name", each perhaps behind "$.". Pure; the text is
 * copied, since the reader changes what it reads. */
#ifndef GATEWAY_JSON_PATH_H
#define GATEWAY_JSON_PATH_H

#include "base/buf.h"

/* Appends the value as a route selection expression has it: a string without its quotes, a
 * number or true as it was written, an object as its JSON, an array as "[a, b]", null as
 * nothing. False, with nothing appended, if text is not JSON or has no such value. */
bool json_path_text(struct str text, struct str path, struct buf *out) MUST_CHECK;

/* Appends the value as JSON; false as above. An empty path is the whole text. */
bool json_path_raw(struct str text, struct str path, struct buf *out) MUST_CHECK;

#endif
