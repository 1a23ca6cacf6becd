/* told.h: the headers that tell an HTTP server of an event, since API Gateway sends none by
 * itself: X-Ws-Connection-Id and others. For integrations that were described briefly, by
 * --route or in a short file. */
#ifndef GATEWAY_TOLD_H
#define GATEWAY_TOLD_H

#include "gateway/api.h"

/* Maps a header, unless it is mapped already. */
void told_header(struct api_integration *in, struct str header, struct str source);

/* Maps all of them, but those that are mapped already. */
void told_all(struct api_integration *in);

#endif
