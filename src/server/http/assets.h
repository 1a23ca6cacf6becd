/* assets.h: the web app, compiled into the program: the files that web/build.mjs
 * makes, each as it is and compressed. Read-only and for any thread. */
#ifndef SERVER_HTTP_ASSETS_H
#define SERVER_HTTP_ASSETS_H

#include "base/base.h"

struct asset {
    const char *path;  /* "/" is the page itself */
    const char *type;  /* Content-Type */
    const char *etag;  /* weak and with its quotes: the same for all three encodings */
    struct str plain;  /* never empty */
    struct str gzip;   /* Content-Encoding: gzip; empty where it would save nothing */
    struct str brotli; /* Content-Encoding: br; likewise */
    bool immutable;    /* the path changes with the content: may be kept for ever */
};

/* The asset at an absolute path (no query), or NULL. */
const struct asset *assets_find(struct str path);

/* Every asset once, for i from 0 on; NULL behind the last. */
const struct asset *assets_at(size_t i);

#endif
