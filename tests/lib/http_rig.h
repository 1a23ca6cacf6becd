/* http_rig.h: an HTTP client for tests of what asks by one: it remembers the last request and
 * answers as the test says. Besides, a simulated host, whose loop may be the requests' home. */
#ifndef LIB_HTTP_RIG_H
#define LIB_HTTP_RIG_H

#include "base/wheel.h"
#include "io/http_client.h"
#include "io/io_sim.h"

struct http_rig {
    struct sim *sim;
    struct io_host *host;
    struct io *io;
    struct wheel wheel; /* the loop's */
    struct http_client client;
    /* The last request; headers: a line each. */
    char method[16], url[256], headers[2048], body[64];
    unsigned asked_n;
    /* The answer. */
    int error;
    unsigned status;
    const char *answer_headers; /* "name: value\n" each; NULL: none */
    const char *answer_body;    /* NULL: none */
};

/* The answer is status, as long as the test sets nothing else. */
void http_rig_init(struct http_rig *r, unsigned status);
void http_rig_fini(struct http_rig *r);

/* Lets the next thing happen. */
void http_rig_step(struct http_rig *r);

#endif
